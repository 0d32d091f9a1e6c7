package status_test

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A removal is told with when and who, before its end and after it, and is no alarm, however long ago a rotation was
// due. Only an end that nobody brings about is overdue.
func TestRemoval(t *testing.T) {
	ok := must(t)
	created := ok(keyset.Create("k", "test", "l", newKey(t, "a"), start))
	at := policy.Due(start).Add(-time.Hour)
	removing := ok(created.Remove(keyset.Removal{For: 48 * time.Hour, By: "me"}, at.Add(48*time.Hour), at))
	if k := status.Of(facts(at.Add(time.Minute), removing)); k.State != status.Removing || k.Alarmed() { // the mark is to come
		t.Errorf("a moment after: %s, alarms %v", k.State, k.Alarms)
	}
	removing = ok(removing.MarkSettled(at, nil, policy.Grace))
	ends := rotation.Outlook{Policy: policy, Set: removing}.Ends()
	for name, c := range map[string]struct {
		now   time.Time
		state status.State
		alarm bool
	}{
		"begun":                              {at, status.Removing, false},
		"a rotation would have been due":     {ends.Add(-time.Minute), status.Removing, false},
		"its end, and a daemon may yet look": {ends.Add(late), status.Removing, false},
		"nobody looks":                       {ends.Add(late + time.Second), status.Overdue, true},
	} {
		k := status.Of(facts(c.now, removing))
		if r := k.Removal; k.State != c.state || k.Alarmed() != c.alarm || r == nil || r.By != "me" || !r.Erased.Equal(ends) || !r.Since.Equal(at) || k.Due != nil {
			t.Errorf("%s: %s, alarms %v, %+v", name, k.State, k.Alarms, k.Removal)
		}
	}
	marker := ok(removing.Bury(nil, ends))
	f := status.Facts{Now: ends.Add(1000 * time.Hour), Late: time.Hour, Target: engine.Target{Name: "k", Environment: "test", StoreName: "m", Secret: "test-k", Store: memory.New(), Policy: policy}}
	f.Result = engine.Result{Removed: marker, Step: rotation.Plan(policy, rotation.Facts{Removed: marker, Clock: rotation.Clock{Wall: f.Now}})}
	k := status.Of(f)
	if r := k.Removal; k.State != status.Removed || k.Alarmed() || r == nil || !r.Erased.Equal(ends) || r.By != "me" || r.Since != nil || k.Lineage != "l" || len(k.Erasure.Gone) != 1 {
		t.Errorf("after the end: %s, alarms %v, %+v", k.State, k.Alarms, k.Removal)
	}
}
