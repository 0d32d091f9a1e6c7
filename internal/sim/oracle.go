package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Verdict is a broken promise.
type Verdict struct {
	Promise int
	Words   string
	At      time.Duration // since the start of the world
}

func (v *Verdict) String() string {
	return fmt.Sprintf("promise %d: %s (on day %.1f)", v.Promise, v.Words, v.At.Hours()/24)
}

// An oracle knows the truth about a world, and what was promised.
type oracle struct {
	w       *world
	verdict *Verdict
	telling bool
	story   []string
	calm    bool // the trouble is over
	overdue bool // what happens now was sent by a pass that is over

	broken map[int]int   // by promise, in worlds beyond the bounds
	worst  time.Duration // for which tokens were refused there

	good     *keyset.Set          // the newest document that rotate wrote
	exempt   map[string]bool      // kids that sign without having been next
	promoted map[string]time.Time // when a kid began to be current
	expires  map[string]time.Time // as first noted
	revoked  map[string]bool      // kids that someone reported
	given    map[string]bool      // kids that were given up with what a backup did not have
	asked    map[string]bool      // ids of requests that someone made
	served   map[string]string    // request id → the kid that it was about
	requests int

	Rotations, Incidents, Calls int
	refused                     struct{ raw, late, replaced int }
	table                       Coverage
	transitions                 int
}

func newOracle(w *world, tell bool) *oracle {
	return &oracle{
		w: w, telling: tell, exempt: map[string]bool{}, promoted: map[string]time.Time{}, expires: map[string]time.Time{},
		revoked: map[string]bool{}, given: map[string]bool{}, asked: map[string]bool{}, served: map[string]string{}, table: Coverage{}, broken: map[int]int{},
	}
}

// fail records the first broken promise, which ends the world.
func (o *oracle) fail(promise int, format string, args ...any) {
	if o.w.clockWrong() && promise != 6 {
		promise, format = 8, "with a clock that jumped, "+format
	}
	if o.w.script.Beyond {
		o.broken[promise]++
		return
	}
	if o.verdict == nil {
		o.verdict = &Verdict{Promise: promise, Words: fmt.Sprintf(format, args...), At: o.w.now.Sub(start)}
		o.tell("%s", o.verdict)
	}
}

func (o *oracle) tell(format string, args ...any) {
	if o.telling {
		o.story = append(o.story, fmt.Sprintf("day %6.2f  ", o.w.now.Sub(start).Hours()/24)+fmt.Sprintf(format, args...))
	}
}

// heard is the audit log.
func (o *oracle) heard(p *process, life int, ev engine.Event) {
	if p.life != life {
		return // what it did after its end did not happen
	}
	if ev.Action == "erase" {
		o.tell("%s: erase revision %s of generation %d", p.name, ev.Revision, ev.Generation)
		return
	}
	o.tell("%s: %s %s %s→%s g%d %s", p.name, ev.Action, ev.Kid, ev.From, ev.To, ev.Generation, ev.Reason)
}

// changed is called when a head was moved: by p, or from outside.
func (o *oracle) changed(pl *place, p *process, old *view) {
	if p == nil {
		return
	}
	pl.writes++
	switch {
	case pl.index > 0:
		o.judgeOutput(pl, p, old)
	case p.accepts && pl.view != nil && pl.view.set.Parent == string(old.id):
		o.judgeAccepted(p, pl.view.set)
	case pl.disturbed != nil:
		o.fail(6, "%s wrote into the store, although someone had changed it (%s)", p.name, pl.disturbed.Kind)
	case pl.view == nil:
		o.fail(10, "%s wrote a document that cannot be read", p.name)
	case old != nil && pl.view.set.Parent != string(old.id):
		o.fail(5, "%s wrote over a document that it had not read", p.name)
	default:
		o.judgeDocument(p, pl.view.set)
		o.w.during()
	}
}

func (o *oracle) judgeOutput(pl *place, p *process, old *view) {
	switch {
	case pl.disturbed != nil && pl.disturbed.Kind == Foreign:
		o.fail(6, "%s overwrote the value of another keyset in %s", p.name, pl.name)
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
	if kid := set.Signing().Kid; kid != old.Signing().Kid {
		o.judgeSuccessor(p, old, kid)
	}
	for _, k := range old.Keys {
		if _, still := set.Key(k.Kid); !still {
			o.judgeRemoval(p, k, set)
		}
	}
	o.judgeDates(p, set)
	o.judgeRequests(set)
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

// judgePass asks whether a pass that saw something wrong said so.
func (o *oracle) judgePass(p *process) {
	if p.err != nil {
		var e *engine.Error
		if !errors.As(p.err, &e) && !p.asks {
			o.fail(6, "%s returned an error that explains nothing: %v", p.name, p.err)
		}
		return
	}
	for _, pl := range o.w.outputs {
		pl.maybeSettled(false)
	}
	step := p.result.Step
	// Where reads may be stale, a process that is paused with one in hand halts
	// for a moment; that is an alarm too many, and nothing else.
	if step.Do == rotation.Halt && o.w.store.disturbed == nil && o.w.store.repaired.Before(p.began) && o.w.script.Stale == 0 {
		o.fail(10, "%s halts for no reason: %s", p.name, step.Why)
	}
	if step.Alarm != p.alarm && step.Do == rotation.Wait {
		o.tell("%s: alarm: %q", p.name, step.Alarm)
	}
	p.alarm = step.Alarm
	store := o.w.store
	if store.disturbed != nil && store.disturbAt.Before(p.began) && step.Do != rotation.Halt && o.w.script.Stale == 0 {
		o.fail(6, "%s said nothing about the store, which someone had changed (%s): %s, %s", p.name, store.disturbed.Kind, step.Do, step.Why)
	}
	for i, pl := range o.w.outputs {
		if pl.disturbed != nil && pl.disturbed.Kind == Foreign && pl.disturbAt.Before(p.began) && p.using.outputs[i] &&
			step.Do == rotation.Wait && step.Alarm == "" && p.result.Set != nil {
			o.fail(6, "%s said nothing about %s, which holds another keyset", p.name, pl.name)
		}
	}
}

// judgeEnd holds a world that was left alone for long enough against what
// should have become of it.
func (o *oracle) judgeEnd() {
	w, set := o.w, o.good
	p := w.config.policy
	switch {
	case set == nil:
		o.fail(8, "there is no key at the end")
		return
	case w.store.view == nil || w.store.view.set == nil || w.store.view.set.Digest != set.Digest:
		o.fail(6, "the store does not hold the newest document at the end")
		return
	}
	margin := p.Lead() + w.script.Sync + w.script.MaxRetry + time.Hour
	if due := p.Due(set.Signing().NotBefore); due.Add(margin).Before(w.now) {
		o.fail(8, "a rotation was due at %s, and it is %s", due.Format(time.RFC3339), w.now.Format(time.RFC3339))
	}
	if r, ok := set.Pending(); ok && r.At.Add(margin).Before(w.now) {
		o.fail(5, "a request of %s was never served", r.At.Format(time.RFC3339))
	}
	for _, k := range set.Previous() {
		if k.Expires.IsZero() && o.promoted[set.Signing().Kid].Add(margin).Before(w.now) {
			o.fail(4, "%s has no date, %s after its successor began to sign", k.Kid, rotation.Duration(w.now.Sub(o.promoted[set.Signing().Kid])))
		}
		if !k.Expires.IsZero() && k.Expires.Add(margin).Before(w.now) {
			o.fail(4, "%s is still there, %s after its date", k.Kid, rotation.Duration(w.now.Sub(k.Expires)))
		}
	}
	for kid := range o.revoked {
		if _, live := set.Key(kid); live {
			o.fail(4, "%s was reported as compromised and is still there", kid)
		}
	}
	for i, pl := range w.outputs {
		if !w.config.outputs[i] {
			continue
		}
		if pl.view == nil || pl.view.generation != set.Generation {
			o.fail(10, "%s is not up to date at the end", pl.name)
		}
		o.judgeRemains(pl, set, margin)
	}
	o.judgeRemains(w.store, set, margin)
	if most := 12*o.transitions + 4*o.Calls + 200; w.store.writes > most {
		o.fail(5, "%d writes of the store for %d transitions and %d faults", w.store.writes, o.transitions, o.Calls)
	}
}

// judgeRemains looks for keys that should be gone in what can still be read.
func (o *oracle) judgeRemains(pl *place, set *keyset.Set, margin time.Duration) {
	for _, rev := range pl.b.readable() {
		if rev.Created.Add(margin + pl.w.script.Propagation).After(o.w.now) {
			continue
		}
		v := pl.format.parse(rev)
		if v == nil || pl.index > 0 && rev.Note.Lineage != set.Lineage {
			continue // what a person put into an output by hand is theirs
		}
		for _, kid := range v.kids {
			if _, live := set.Key(kid); !live && v.lineage == set.Lineage && o.gone(kid, margin) {
				o.fail(4, "%s can still be read in revision %s of %s", kid, rev.ID, pl.name)
			}
		}
		for _, k := range pastPrivate(v, set) {
			o.fail(9, "the private half of %s can still be read in revision %s of %s", k, rev.ID, pl.name)
		}
	}
}

// gone tells whether a key went long enough ago for all copies to be erased.
func (o *oracle) gone(kid string, margin time.Duration) bool {
	for _, g := range o.good.Gone {
		if g.Kid == kid {
			return g.At.Add(margin).Before(o.w.now)
		}
	}
	return true
}

// pastPrivate lists the keys of a revision that could sign there, and do not
// sign any more.
func pastPrivate(v *view, set *keyset.Set) (kids []string) {
	if v.set == nil {
		return nil
	}
	for _, k := range v.set.Keys {
		if now, live := set.Key(k.Kid); live && now.Status == keyset.Previous && k.Private() && !k.Alg.Symmetric() {
			kids = append(kids, k.Kid)
		}
	}
	return kids
}
