package sim

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// judgeEnd holds a world that was left alone for long enough against what
// should have become of it.
func (o *oracle) judgeEnd() {
	w, set := o.w, o.good
	p := w.config.policy
	if w.ends {
		o.judgeRemoved()
		return
	}
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
