package live_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
	"github.com/keyrotate/rotate/secret"
)

var (
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy = rotation.Policy{Schedule: rotation.Every(90 * 24 * time.Hour), Grace: 48 * time.Hour, Propagation: 2 * time.Hour}
)

// key was read well at start, and not since.
func key(t *testing.T, now time.Time, change func(*scheduler.State)) *live.Key {
	t.Helper()
	material, err := keyset.NewSymmetric("a", keyset.HS256, secret.New([]byte(strings.Repeat("a", 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Create("k", "test", "l", material, start)
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.State{
		Key: "k", Store: "m", Ended: start, Well: start, Set: set, Read: start,
		Result: engine.Result{Set: set, Step: rotation.Step{Do: rotation.Wait}, Clock: rotation.Clock{Wall: start, Service: start.Add(-time.Minute)}},
	}
	if change != nil {
		change(&s)
	}
	target := engine.Target{Name: "k", Environment: "test", StoreName: "m", Store: memory.New(), Secret: "test-k", Policy: policy}
	k := live.Of(now, status.Facts{Target: target, Late: time.Hour}, s)
	return &k
}

// Failure 22: a daemon whose store is blocked, or that is stuck, past the due
// date shows it without asking anyone.
func TestIncident22OverdueShowsByItself(t *testing.T) {
	due := policy.Due(start)
	blocked := func(s *scheduler.State) { s.Err = &providers.Error{Op: "read", Kind: providers.ErrUnavailable} }
	for _, c := range []struct {
		now     time.Time
		change  func(*scheduler.State)
		state   status.State
		overdue time.Duration
	}{
		{start, nil, status.Healthy, 0},
		{due, nil, status.Overdue, 0}, // next should have been published long ago
		{due.Add(time.Hour), nil, status.Overdue, time.Hour},
		{due.Add(time.Hour), blocked, status.Unreachable, time.Hour},
		{start, func(s *scheduler.State) { *s = scheduler.State{} }, status.Unreachable, 0},
	} {
		k := key(t, c.now, c.change)
		if got := k.Status(); got.State != c.state || k.Overdue() != c.overdue {
			t.Errorf("%s: %s, overdue %s, want %s, %s", c.now, got.State, k.Overdue(), c.state, c.overdue)
		}
	}
}

func TestClocks(t *testing.T) {
	if d, ok := key(t, start, nil).Apart(); d != time.Minute || !ok {
		t.Error(d, ok)
	}
	if _, ok := key(t, start, func(s *scheduler.State) { s.Result.Clock.Service = time.Time{} }).Apart(); ok {
		t.Error("a store without a clock differs from the host's")
	}
}

// What is left after deletion is told as the passes know it, without a call.
func TestReadable(t *testing.T) {
	k := key(t, start, func(s *scheduler.State) { s.Result.Left.Revisions = 3 })
	if got := k.Status().Erasure.Readable; got == nil || *got != 3 {
		t.Error(got)
	}
}
