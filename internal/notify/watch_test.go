package notify

import (
	"fmt"
	"slices"
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
	due    = policy.Due(start)
)

func keyOf(t *testing.T, kid string) keyset.Key {
	t.Helper()
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(kid, 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sets are the documents of one rotation, in their order: created, published,
// promoted, retired, and one in which the next key was revoked.
func sets(t *testing.T) (created, published, promoted, retired, revoked *keyset.Set) {
	t.Helper()
	ok := func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	created = ok(keyset.Create("k", "test", "lineage", keyOf(t, "a"), start))
	published = ok(created.Publish(keyOf(t, "b"), due.Add(-3*time.Hour)))
	ready := ok(published.MarkReady(due.Add(-3*time.Hour), nil))
	promoted = ok(ready.Promote(due))
	settled := ok(promoted.MarkSettled(due, nil, policy.Grace))
	retired = ok(settled.Retire("a", due.Add(49*time.Hour)))
	revoked = ok(published.Revoke([]string{"b"}, nil, due.Add(-2*time.Hour)))
	return created, published, promoted, retired, revoked
}

// at is a key as a pass left it at a time.
func at(now time.Time, set *keyset.Set, change func(*scheduler.State)) *live.Key {
	s := scheduler.State{
		Environment: "test", Key: "k", Store: "m", Ended: now, Set: set, Read: now,
		Result: engine.Result{Set: set, Step: rotation.Step{Do: rotation.Wait}, Clock: rotation.Clock{Wall: now}},
	}
	if change != nil {
		change(&s)
	}
	target := engine.Target{Name: "k", Environment: "test", StoreName: "m", Store: memory.New(), Secret: "test-k", Policy: policy}
	k := live.Of(now, status.Facts{Target: target, Late: time.Hour}, s)
	return &k
}

func silent(code rotation.Code, output string) func(*scheduler.State) {
	return func(s *scheduler.State) {
		s.Result.Step.Alarms = append(s.Result.Step.Alarms, rotation.Reason{Code: code, Output: output, Cause: "silence"})
	}
}

func unreachable(s *scheduler.State) {
	s.Err = &engine.Error{Key: "k", Store: "m", Err: &providers.Error{Op: "read", Kind: providers.ErrUnavailable}}
}

func halted(s *scheduler.State) {
	s.Result.Set, s.Result.Step = nil, rotation.Step{Do: rotation.Halt, Why: rotation.Reason{Code: rotation.Spoilt, Cause: "edited"}}
}

// A look is one of a watch, and what it has to tell, as "kind: text" with a part of
// the text.
type look struct {
	after  time.Duration // the look before
	set    *keyset.Set
	change func(*scheduler.State)
	tells  []string
}

// ended is what a keyset leaves that is removed.
func ended(t *testing.T, set *keyset.Set) *keyset.Set {
	t.Helper()
	set, err := set.Remove(keyset.Removal{Now: true}, start, start)
	if err == nil {
		set, err = set.Bury(nil, start)
	}
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestWatch(t *testing.T) {
	created, published, promoted, retired, revoked := sets(t)
	month, minute := 30*24*time.Hour, time.Minute
	early := start.Add(month)
	for name, c := range map[string]struct {
		start time.Time
		looks []look
	}{
		"a fresh key": {start, []look{{0, created, nil, []string{"transition: k (test): kid a signs now"}}, {minute, created, nil, nil}}},
		"an old key":  {early, []look{{0, created, nil, nil}, {minute, created, nil, nil}}},
		"a start soon after a change repeats it": {due.Add(minute), []look{
			{0, promoted, nil, []string{"transition: k (test): its keys changed: kid b signs"}},
		}},
		"a rotation": {due.Add(-4 * time.Hour), []look{
			{0, created, nil, nil},
			{time.Hour, published, nil, []string{"transition: k (test): kid b is published"}},
			{3 * time.Hour, promoted, nil, []string{"transition: k (test): kid b signs now; kid a only verifies now"}},
			{49 * time.Hour, retired, nil, []string{"transition: k (test): kid a is removed"}},
		}},
		"what was missed in between is told as one": {due.Add(-4 * time.Hour), []look{
			{0, created, nil, nil}, {4 * time.Hour, promoted, nil, []string{"kid b signs now; kid a only verifies"}},
		}},
		"a removal": {due.Add(-4 * time.Hour), []look{
			{0, created, nil, nil},
			{time.Hour, nil, func(s *scheduler.State) { s.Result.Removed = ended(t, created) }, []string{"transition: k (test) was removed: every key is erased"}},
			{time.Hour, nil, func(s *scheduler.State) { s.Result.Removed = ended(t, created) }, nil},
		}},
		"a revocation":              {due.Add(-150 * minute), []look{{0, published, nil, []string{"kid"}}, {30 * minute, revoked, nil, []string{"kid b is revoked"}}}},
		"an older document is none": {due.Add(-150 * minute), []look{{0, published, nil, []string{"kid"}}, {minute, created, nil, nil}}},
		"a store that fails once": {early, []look{
			{0, created, nil, nil}, {minute, created, unreachable, nil}, {4 * minute, created, unreachable, nil}, {minute / 2, created, nil, nil}, {10 * minute, created, nil, nil},
		}},
		"a store that is down": {early, []look{
			{0, created, nil, nil}, {minute, created, unreachable, nil}, {5 * minute, created, unreachable, []string{"attention: k (test) needs a person: "}},
			{minute, created, unreachable, nil}, {minute, created, nil, nil}, {4 * minute, created, nil, []string{"recovery: k (test) is well again, after 11m"}},
			{minute, created, nil, nil},
		}},
		"an output joins another": {early, []look{
			{0, created, silent(rotation.OutputSilent, "one"), nil}, {6 * minute, created, silent(rotation.OutputSilent, "one"), []string{"attention: "}},
			{minute, created, func(s *scheduler.State) {
				silent(rotation.OutputSilent, "one")(s)
				silent(rotation.OutputSilent, "two")(s)
			}, nil},
			{5 * minute, created, func(s *scheduler.State) {
				silent(rotation.OutputSilent, "one")(s)
				silent(rotation.OutputSilent, "two")(s)
			}, []string{"two"}},
		}},
		"a halt is told at once": {early, []look{
			{0, created, nil, nil}, {minute, created, halted, []string{"halt: k (test) has halted: "}}, {minute, created, halted, nil},
			{time.Hour, created, nil, []string{"recovery: "}},
		}},
		"a halt that nobody saw begin": {early, []look{{0, nil, halted, []string{"halt: "}}}},
		"overdue":                      {due.Add(time.Hour), []look{{0, created, nil, []string{"overdue: k (test) is overdue: "}}, {minute, created, nil, nil}}},
		"a key that was not read yet":  {early, []look{{0, nil, func(s *scheduler.State) { s.Ended = time.Time{} }, nil}}},
		"a date that comes near": {due.Add(-7*24*time.Hour - minute), []look{
			{0, created, nil, nil}, {2 * minute, created, nil, []string{"upcoming: k (test): another key begins to sign 2026-04-01 00:00:00 UTC (in 6d"}}, {minute, created, nil, nil},
		}},
		"a start when it was near already": {due.Add(-6 * 24 * time.Hour), []look{{0, created, nil, nil}, {minute, created, nil, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			w, now := &watch{}, c.start
			for i, l := range c.looks {
				now = now.Add(l.after)
				var told []string
				for _, e := range w.look(now, at(now, l.set, l.change), 7*24*time.Hour) {
					told = append(told, string(e.Kind)+": "+e.Data.Text)
				}
				if !slices.EqualFunc(told, l.tells, strings.Contains) {
					t.Errorf("look %d tells %q, want %q", i, told, l.tells)
				}
			}
		})
	}
}

// An id is the same in every replica that notices the same, however late, and
// another for whatever else happens.
func TestIDs(t *testing.T) {
	created, published, promoted, _, _ := sets(t)
	seen := map[string]string{}
	replica := func(late time.Duration) (ids []string) {
		w := &watch{}
		base := due.Add(-30 * time.Hour)
		for i, l := range []look{
			{0, created, nil, nil}, {time.Minute, created, unreachable, nil}, {6 * time.Minute, created, unreachable, nil}, {time.Hour, created, nil, nil},
			{time.Minute, created, unreachable, nil}, {6 * time.Minute, created, unreachable, nil}, {time.Hour, created, nil, nil},
			{25 * time.Hour, published, nil, nil}, {time.Minute, published, halted, nil}, {time.Hour, published, nil, nil}, {3 * time.Hour, promoted, nil, nil},
		} {
			base = base.Add(l.after)
			for _, e := range w.look(base.Add(late), at(base.Add(late), l.set, l.change), 24*time.Hour) {
				ids = append(ids, e.ID)
				seen[e.ID] = fmt.Sprint(i, e.Kind)
			}
		}
		return ids
	}
	one, other := replica(0), replica(40*time.Second)
	if len(one) != 9 || len(seen) != 9 || !slices.Equal(one, other) {
		t.Errorf("%d and %d ids, %d of them different:\n%v", len(one), len(other), len(seen), seen)
	}
}

// A look at a key costs microseconds, and nothing else of a daemon waits for it.
func BenchmarkLook(b *testing.B) {
	material, err := keyset.NewSymmetric("a", keyset.HS256, secret.New([]byte(strings.Repeat("a", 32))), "")
	if err != nil {
		b.Fatal(err)
	}
	set, err := keyset.Create("k", "test", "lineage", material, start)
	if err != nil {
		b.Fatal(err)
	}
	k := at(start.Add(time.Hour), set, nil)
	for name, since := range map[string]time.Duration{"idle": 0, "after a pass": patience} {
		b.Run(name, func(b *testing.B) {
			w, now := &watch{}, start.Add(time.Hour)
			for b.Loop() {
				w.look(now, k, 0)
				now = now.Add(since)
			}
		})
	}
}
