package rotation

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// FreshOnce is what the config says of a name whose first key was removed, so that another
// begins. It serves once for each name. After that the config names the lineage that has ended, so
// what stays in a config never begins a key that nobody wants.
const FreshOnce = "true"

// MayBegin tells whether a key may begin where another one was removed. marker is what that one left, fresh
// what the config says: "", FreshOnce, or the lineage that has ended.
func MayBegin(marker *keyset.Set, fresh string) bool {
	return fresh == marker.Lineage ||
		// guard 6: what was served once is not served again
		fresh == FreshOnce && len(marker.After) == 0
}

// begins is the step where no key is: the first one, or another after one that was removed.
func begins(f Facts) Step {
	switch m := f.Removed; {
	case m == nil:
		return Step{Do: Create, At: f.Clock.stamp(), Why: Reason{Code: NoKeyset}}
	// Nothing begins while something of the key before is left.
	case len(m.Outputs) == 0 && MayBegin(m, f.Fresh):
		return Step{Do: Create, At: f.Clock.stamp(), Why: Reason{Code: FreshKey, At: m.Removed.At}}
	default:
		return Step{Do: Wait, Why: WasRemoved(m)}
	}
}

// WasRemoved is the end of a key as a reason.
func WasRemoved(m *keyset.Set) Reason {
	return Reason{Code: KeyRemoved, At: m.Removed.At, Whose: m.Removed.By, Is: m.Lineage, Have: uint64(len(m.After))}
}

// RemovalEnd is until when keys verify that are removed from the time at on, if what was signed is to stay valid for
// keep. What is signed until every reader knows the end counts, and the keys before have their grace.
func (o Outlook) RemovalEnd(at time.Time, keep time.Duration) time.Time {
	end := at.Add(o.wait() + keep)
	for _, k := range o.Set.Previous() {
		end = latest(end, k.Expires, at.Add(o.wait()+o.Policy.Grace))
	}
	return end
}

// Ends is when a key that is being removed is erased, if every output shows by then that nothing signs; zero if it is
// not being removed.
func (o Outlook) Ends() (last time.Time) {
	r := o.Set.Removing
	if r == nil {
		return last
	}
	for _, k := range o.Set.Keys {
		last = latest(last, k.Expires)
	}
	if r.Now {
		return last
	}
	return last.Add(o.Policy.Skew())
}

// bury: a key that is being removed has come to its end.
func (pl planner) bury() (Step, bool) {
	r := pl.set.Removing
	if r == nil || !pl.doubt(max(pl.p.Grace, r.For)).IsZero() ||
		// guard 3: the end waits for the outputs
		pl.behind(anyOutput) || !pl.seen(pl.set.Settled, pl.set.Signing().Kid, anyOutput) ||
		// guard 3: the end waits for the last date
		pl.early.Before(pl.Ends()) {
		return Step{}, false
	}
	return Step{Do: Bury, Kid: pl.set.Signing().Kid, At: pl.early, Why: Reason{Code: RemovalOver, At: pl.Ends(), Whose: r.By}}, true
}

// buryNow: a person who removes a key waits for nobody; and a compromise of every key that is left is the end, since
// none takes its place.
func (pl planner) buryNow() (Step, bool) {
	r := pl.set.Removing
	if r == nil {
		return Step{}, false
	}
	step := Step{Do: Bury, Kid: pl.set.Signing().Kid, At: latest(pl.f.Clock.stamp(), pl.Ends()), Why: Reason{Code: RemovalOver, At: pl.Ends(), Whose: r.By}}
	if r.Now {
		return step, true
	}
	revoked := func(k keyset.Key) bool { return slices.Contains(pl.f.Request.Revoke, k.Kid) }
	if slices.ContainsFunc(pl.set.Keys, func(k keyset.Key) bool { return !revoked(k) }) {
		return Step{}, false
	}
	step.At, step.Why = pl.f.Clock.stamp(), Reason{Code: Compromised}
	return step, true
}
