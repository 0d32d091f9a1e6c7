package sim

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (o *oracle) judgeOutput(pl *place, p *process, old *view) {
	switch {
	case pl.disturbed != nil && pl.disturbed.Kind == Foreign:
		o.fail(6, "%s overwrote the value of another keyset in %s", p.name, pl.name)
	case pl.view == nil && o.good != nil && o.good.Removed != nil: // a text that is no key
	case pl.view == nil:
		o.fail(10, "%s wrote into %s what cannot be read", p.name, pl.name)
	case pl.disturbed == nil && old != nil && pl.view.generation < old.generation:
		o.fail(6, "%s wrote generation %d into %s over generation %d", p.name, pl.view.generation, pl.name, old.generation)
	}
	pl.maybeSettled(false)
}

// judgeDocument holds a new document against the one before.
func (o *oracle) judgeDocument(p *process, set *keyset.Set) {
	old := o.good
	o.good = set
	if old == nil {
		o.exempt[set.Signing().Kid] = true
		o.promoted[set.Signing().Kid] = o.w.now
		o.judgeRequests(set)
		return
	}
	if set.Lineage != old.Lineage {
		o.fail(6, "%s began a second lineage", p.name)
	}
	if set.Generation < old.Generation || set.Generation > old.Generation+1 {
		o.fail(5, "generation %d follows %d", set.Generation, old.Generation)
	}
	o.transitions += int(set.Generation - old.Generation) //nolint:gosec // 0 or 1
	if kid := set.Signing().Kid; kid != old.Signing().Kid && set.Removed == nil {
		o.judgeSuccessor(p, old, kid)
	}
	o.judgePause(p, old, set)
	o.judgeRemove(p, old, set)
	for _, k := range old.Keys {
		if _, still := set.Key(k.Kid); !still {
			o.judgeRemoval(p, k, set)
		}
	}
	o.judgeDates(p, set)
	o.judgeRequests(set)
}

// judgePause asks whether a step of a rotation was taken in a pause.
func (o *oracle) judgePause(p *process, old, set *keyset.Set) {
	if old.Paused.Over(o.w.now.Add(o.clockError())) {
		return
	}
	before, _ := old.Next()
	after, published := set.Next()
	next := before.Kid != "" && set.Signing().Kid == before.Kid
	if next || published && after.Kid != before.Kid {
		o.fail(5, "%s rotates in a pause until %s", p.name, old.Paused.Until.Format(time.RFC3339))
	}
}

// judgeAccepted holds what goes on from a backup against all that there was: it
// out-numbers that, and no key that is known as compromised comes back.
func (o *oracle) judgeAccepted(p *process, set *keyset.Set) {
	old := o.good
	o.good = set
	o.transitions++
	o.w.store.settled(true)
	if set.Lineage != old.Lineage || set.Generation <= old.Generation {
		o.fail(6, "%s accepted generation %d, and %d is known", p.name, set.Generation, old.Generation)
	}
	for _, kid := range old.Revoked {
		if _, live := set.Key(kid); live {
			o.fail(6, "%s brought %s back, which was revoked", p.name, kid)
		}
	}
	for _, k := range old.Keys {
		if _, live := set.Key(k.Kid); !live {
			o.given[k.Kid] = true
		}
	}
	clear(o.expires)
	for _, k := range set.Previous() {
		if !k.Expires.IsZero() {
			o.expires[k.Kid] = k.Expires
		}
	}
	kid := set.Signing().Kid
	o.exempt[kid], o.promoted[kid] = true, o.w.now
}

// judgeSuccessor asks whether a key may begin to sign.
func (o *oracle) judgeSuccessor(p *process, old *keyset.Set, kid string) {
	o.Rotations++
	o.promoted[kid] = o.w.now
	next, ok := old.Next()
	switch {
	case !ok || next.Kid != kid:
		o.exempt[kid] = true
		if !o.revoked[old.Signing().Kid] {
			o.fail(2, "%s made %s sign, which was never next", p.name, kid)
		}
		return
	case o.revoked[old.Signing().Kid] && o.goodRevoked(old):
		o.fail(5, "a revoked key was current")
	}
	for _, pl := range append([]*place{o.w.store}, o.w.outputs...) {
		if !pl.attached || !pl.format.carriesNext() || pl.disturbed != nil || pl.byHand && pl.repaired.Add(o.w.script.Propagation).After(o.w.now) {
			continue
		}
		if since, stands := pl.since[kid]; !stands && pl.index > 0 || stands && o.w.now.Sub(since) < o.w.script.Propagation {
			o.fail(2, "%s promoted %s, which did not stand in %s for the propagation, %s", p.name, kid, pl.name, rotation.Duration(o.w.script.Propagation))
		}
	}
	_, wanted := old.Pending()
	for _, r := range o.good.Requests { // recorded by the same write
		wanted = wanted || r.From == old.Signing().Kid
	}
	due := p.using.policy.Due(old.Signing().NotBefore)
	if !wanted && (due.IsZero() || o.w.now.Add(o.clockError()).Before(due)) {
		o.fail(5, "%s promoted %s without a reason: it was due at %s", p.name, kid, due.Format(time.RFC3339))
	}
}

func (o *oracle) goodRevoked(s *keyset.Set) bool {
	return slices.Contains(s.Revoked, s.Signing().Kid)
}

// clockError is by how much a clock that is believed can be wrong.
func (o *oracle) clockError() time.Duration {
	if o.w.shared != nil {
		return 4 * time.Hour // see Script.jumpy
	}
	return rotation.Skew
}

// judgeRemoval asks whether a key may go.
func (o *oracle) judgeRemoval(p *process, k keyset.Key, set *keyset.Set) {
	if slices.Contains(set.Revoked, k.Kid) {
		if !o.revoked[k.Kid] {
			o.fail(6, "%s revoked %s, which no one had reported", p.name, k.Kid)
		}
		return
	}
	if k.Status == keyset.Next && set.Removing != nil {
		return // nobody has signed with it
	}
	if k.Status != keyset.Previous {
		o.fail(3, "%s removed %s, which was %s", p.name, k.Kid, k.Status)
		return
	}
	if early := k.Expires.Sub(o.w.now); k.Expires.IsZero() || o.w.shared == nil && early > 0 {
		o.fail(3, "%s removed %s %s before its date", p.name, k.Kid, rotation.Duration(early))
	}
	for i, pl := range o.w.outputs {
		if pl.disturbed != nil && pl.disturbAt.Before(p.began) && p.using.outputs[i] && !o.overdue {
			o.fail(3, "%s removed %s although %s is not up to date (%s)", p.name, k.Kid, pl.name, pl.disturbed.Kind)
		}
	}
}

// judgeDates asks whether the dates of previous keys are long enough, and stay.
func (o *oracle) judgeDates(p *process, set *keyset.Set) {
	for _, k := range set.Previous() {
		first, known := o.expires[k.Kid]
		if known && k.Expires.Before(first) {
			o.fail(3, "%s shortened the life of %s by %s", p.name, k.Kid, rotation.Duration(first.Sub(k.Expires)))
		}
		if k.Expires.IsZero() {
			continue
		}
		o.expires[k.Kid] = k.Expires
		if known {
			continue
		}
		// The shortest grace there was so far, as its writer may be behind, from the moment at which its successor
		// was in the last place.
		seen := o.w.now
		for _, pl := range append([]*place{o.w.store}, o.w.outputs...) {
			if pl.attached && pl.disturbed == nil && pl.view != nil && pl.view.current != set.Signing().Kid && pl.view.generation < set.Generation {
				o.fail(3, "%s began the grace of %s before its successor was in %s", p.name, k.Kid, pl.name)
			}
		}
		if promoted := o.promoted[set.Signing().Kid]; seen.After(promoted) {
			seen = promoted
		}
		if least := seen.Add(o.w.least - o.clockError() - time.Second); k.Expires.Before(least) {
			o.fail(3, "%s gave %s a date %s too early", p.name, k.Kid, rotation.Duration(least.Sub(k.Expires)))
		}
	}
}

// judgeRequests asks whether someone made each request, and that none is served
// twice.
func (o *oracle) judgeRequests(set *keyset.Set) {
	for _, r := range set.Requests {
		if r.Named && !o.asked[r.ID] {
			o.fail(5, "a request is on record that no one made")
		}
		if from, known := o.served[r.ID]; known && from != r.From && r.Named {
			o.fail(5, "the same request was recorded away from %s and from %s", from, r.From)
		}
		o.served[r.ID] = r.From
	}
}
