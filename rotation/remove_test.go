package rotation_test

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// keep is how long what a removed key signed stays valid.
const keep = 2 * tick

// removals is what people can do about the end of a key in a state: begin to remove it, take that back
// once, hasten it, and report the keys that are left.
func (w world) removals(t *testing.T) (out []world) {
	add := func(set *keyset.Set, err error) world {
		if err != nil {
			t.Fatalf("in state %s: %v", w.key(), err)
		}
		n := w
		n.set, n.asked = sealed(set), false
		n.rewritten()
		n.promise.currentSeen = w.promise.currentSeen // one that only verifies stands there as well
		n.observe()
		out = append(out, n)
		return n
	}
	look := rotation.Outlook{Policy: policy, Set: w.set}
	switch r := w.set.Removing; {
	case r == nil && !w.undone:
		add(w.set.Remove(keyset.Removal{For: keep, By: "me"}, look.RemovalEnd(w.now, keep), w.now))
	case r == nil:
	case r.Now:
	default:
		n := add(w.set.Restore(w.now))
		out[len(out)-1].undone = true
		if next, ok := n.set.Next(); ok || n.set.Signing().Status != keyset.Current {
			t.Errorf("after the removal was taken back %s is next", next.Kid)
		}
		add(w.set.Hasten("you", w.now))
		w.reports(t)
	}
	return out
}

// reports: a compromise never makes another key sign, whichever keys it is about.
func (w world) reports(t *testing.T) {
	for i := range w.set.Keys {
		for j := i; j <= len(w.set.Keys); j++ {
			f := w.facts()
			for _, k := range w.set.Keys[i:j] {
				f.Request.Revoke = append(f.Request.Revoke, k.Kid)
			}
			step := rotation.Plan(policy, f)
			switch all := i == 0 && j == len(w.set.Keys); {
			case i == j:
			case all && step.Do != rotation.Bury, !all && step.Do != rotation.Revoke:
				t.Errorf("%d of %d keys are compromised: %s", j-i, len(w.set.Keys), step.Do)
			case all:
				w.buried(t, f.Request.Revoke, step)
			default:
				set, err := w.set.Revoke(f.Request.Revoke, nil, step.At)
				if err != nil || set.Signing().Status != keyset.Previous {
					t.Errorf("revoked while the key is removed: %v", err)
				}
			}
		}
	}
}

// buries holds the end of a key against promise 3: what was signed until the end was seen everywhere has lived
// as long as was said, unless a person says now.
func (w world) buries(t *testing.T, step rotation.Step) {
	t.Helper()
	if seen := w.promise.endSeen; !w.set.Removing.Now && (w.behind || w.doubt || seen.IsZero() || w.now.Sub(seen) < keep) {
		t.Errorf("promise 3: it ends at %s, seen everywhere since %s, behind %v, doubt %v", w.now, seen, w.behind, w.doubt)
	}
	w.buried(t, nil, step)
}

// buried: nothing begins where a key was removed, unless the config says so, once.
func (w world) buried(t *testing.T, kids []string, step rotation.Step) {
	t.Helper()
	marker, err := w.set.Bury(kids, step.At)
	if err != nil {
		t.Fatalf("%v is refused by the document: %v", step, err)
	}
	marker = sealed(marker)
	for fresh, want := range map[string]rotation.Action{"": rotation.Wait, rotation.FreshOnce: rotation.Create, "l": rotation.Create, "other": rotation.Wait} {
		if got := rotation.Plan(policy, rotation.Facts{Removed: marker, Fresh: fresh, Clock: w.facts().Clock}); got.Do != want || len(got.Alarms) > 0 {
			t.Errorf("fresh: %q after a removal: %+v", fresh, got)
		}
	}
	seen := rotation.Witness{Whose: rotation.ThisProcess, Lineage: "l", Past: marker.Past(), Removed: true}
	if r := (rotation.Trust{Name: "k", Environment: "e"}).Document(w.set, seen); r.Code != rotation.RemovedBack {
		t.Errorf("promise 6: a backup of a removed key is gone on from: %+v", r)
	}
}

// What stays in a config begins a key once: a second removal is not undone by it.
func TestFreshServesOnce(t *testing.T) {
	marker := func(s *keyset.Set) *keyset.Set {
		s, err := s.Remove(keyset.Removal{Now: true}, t0, t0)
		if err == nil {
			s, err = s.Bury(nil, t0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, err := keyset.Create("k", "e", "l1", newKey(1), t0)
	if err != nil {
		t.Fatal(err)
	}
	end := marker(first)
	second, err := end.Again("k", "e", "l2", newKey(2), t0)
	if err != nil {
		t.Fatal(err)
	}
	trust, was := rotation.Trust{Name: "k", Environment: "e"}, rotation.Witness{Lineage: "l1", Past: end.Past(), Removed: true}
	if r := trust.Document(second, was); !r.IsZero() {
		t.Errorf("who saw the first key removed stops at the second: %+v", r)
	}
	was.Generation++
	if r := trust.Document(second, was); r.Code != rotation.OtherLineage {
		t.Errorf("the first key went on after the marker: %+v", r)
	}
	end = marker(second)
	for fresh, want := range map[string]bool{rotation.FreshOnce: false, "l1": false, "l2": true} {
		if rotation.MayBegin(end, fresh) != want {
			t.Errorf("fresh: %s after the second removal: %v", fresh, !want)
		}
	}
	end.Outputs = []keyset.Output{{Name: "/x"}}
	if step := rotation.Plan(policy, rotation.Facts{Removed: end, Fresh: "l2", Clock: rotation.Clock{Wall: t0}}); step.Do != rotation.Wait {
		t.Errorf("another key begins while something is left of the one before: %s", step.Do)
	}
}

// A promotion that waits for the window is late from its opening on, and not since it was due.
func TestNobodyIsLateBeforeTheWindowOpens(t *testing.T) {
	s, err := keyset.Create("k", "e", "l", newKey(1), t0)
	if err == nil {
		s, err = s.Publish(newKey(2), t0)
	}
	if err == nil {
		s, err = s.MarkReady(time.Date(2026, 1, 5, 16, 0, 0, 0, time.UTC), nil) // Monday, the window has closed
	}
	if err != nil {
		t.Fatal(err)
	}
	p := policy
	p.Schedule, p.Window = rotation.Every(time.Hour), office(t)
	look := rotation.Outlook{Policy: p, Set: s}
	opens := time.Date(2026, 1, 6, 8, 0, 0, 0, time.UTC)
	if at := look.LateSince(rotation.Step{Do: rotation.Promote}); !at.Equal(opens) {
		t.Errorf("late since %s, and the window opens at %s", at, opens)
	}
}
