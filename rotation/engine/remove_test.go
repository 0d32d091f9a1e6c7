package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (r *rig) remove(keep time.Duration, now bool) engine.Result {
	r.t.Helper()
	res, err := r.engine.Remove(context.Background(), r.target, keyset.Removal{For: keep, Now: now, By: "me"})
	if err != nil {
		r.t.Fatalf("remove: %v", err)
	}
	return res
}

// ends holds the end of a key: a marker, no key that can be read in any of the places, and a daemon that
// begins nothing, for as long as it runs and in each new process.
func (r *rig) ends(places ...*memory.Store) {
	r.t.Helper()
	made := len(r.made)
	for range 2 {
		r.restart()
		last := r.run(30 * day)
		if last.Removed == nil || last.Set != nil || last.Step.Do != rotation.Wait || last.Step.Why.Code != rotation.KeyRemoved || len(last.Step.Alarms) > 0 {
			r.t.Errorf("at the end: %+v", last.Step)
		}
	}
	if s := r.set(); s.Removed == nil || len(s.Outputs) > 0 || len(s.Gone) == 0 || slices.ContainsFunc(s.Gone, func(g keyset.Gone) bool { return !g.Observed() }) {
		r.t.Errorf("the marker says %+v", s)
	}
	if len(r.made) != made {
		r.t.Error("a key was made after the end")
	}
	for _, text := range r.made {
		for _, s := range append(places, r.store) {
			if readable(s, text) {
				r.t.Error("a removed key can still be read")
			}
		}
	}
}

// A removal in the midst of a rotation: nothing signs from then on, what was signed verifies for as long
// as was said, and then nothing is left but a marker.
func TestPromise4ARemovedKeyIsNowhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out, bare := memory.New(), memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out), valueOutput("bare", bare)}
		r.pass(engine.Ask{})
		r.run(every + time.Hour) // the second key signs, the first verifies
		begun := time.Now()
		r.remove(5*day, false)
		r.run(day)
		if s := r.set(); s.Removing == nil || kinds(s) != "previous previous" {
			t.Fatalf("in the removal: %s", kinds(s))
		}
		shown := r.read(out, "out-env")
		if shown.Removing == nil || kinds(shown) != "previous previous" {
			t.Errorf("readers have %s", kinds(shown))
		}
		r.pass(engine.Ask{Rotate: true, By: "someone"})
		r.run(3 * day)
		if s := r.set(); kinds(s) != "previous" {
			t.Errorf("the key before stays: %s", kinds(s))
		}
		r.run(4 * day) // outputs have changed since: they count from when they were seen again
		if s := r.set(); s.Removed == nil || s.Removed.At.Sub(begun) < 5*day {
			t.Errorf("removed at %+v, asked for at %s", s.Removed, begun)
		}
		r.ends(out, bare)
		if n := r.actions(rotation.Promote); n != 1 {
			t.Errorf("%d promotions", n)
		}
		before := len(r.calls.Calls())
		r.run(10 * day)
		if ops := r.calls.Calls()[before:]; slices.ContainsFunc(ops, func(c providertest.Call) bool { return c.Op != providertest.Read }) {
			t.Errorf("an idle marker costs %v", ops)
		}
	})
}

// read is a keyset that an output shows.
func (r *rig) read(s *memory.Store, name string) *keyset.Set {
	r.t.Helper()
	rev, err := s.Read(context.Background(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

// Until the end a removal can be taken back: the same key signs again. After it, it cannot.
func TestARemovalIsTakenBackUntilItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs, r.target.Generate = []engine.Output{keysetOutput("env", out)}, generateES256
		r.pass(engine.Ask{})
		first := r.set().Signing().Kid
		r.remove(2*day, false)
		r.run(day)
		for range 2 { // the second changes nothing
			if _, err := r.engine.Restore(t.Context(), r.target, "me"); err != nil {
				t.Fatal(err)
			}
		}
		r.run(day)
		if s := r.read(out, "out-env"); s.Signing().Kid != first || s.Signing().Status != keyset.Current || s.Signing().SignKey() == nil {
			t.Errorf("after the removal was taken back %s", kinds(s))
		}
		r.run(2 * every)
		if r.actions(rotation.Promote) != 2 || r.actions(rotation.Bury) != 0 {
			t.Errorf("it rotates on: %v", r.story())
		}
		r.remove(0, true)
		r.pass(engine.Ask{})
		res, err := r.engine.Restore(t.Context(), r.target, "me")
		if err != nil || res.Removed == nil {
			t.Errorf("after the end: %+v, %v", res.Step, err)
		}
		r.ends(out)
	})
}

// Promise 10: killed between any two calls, the removal comes to its end all the same.
func TestPromise10ARemovalMayBeKilledAnywhere(t *testing.T) {
	points := 0
	for n := 0; ; n++ {
		whole := false
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			r.target.Outputs = []engine.Output{keysetOutput("env", r.calls), valueOutput("bare", r.calls)}
			r.pass(engine.Ask{})
			r.run(every + time.Hour)
			var calls atomic.Int32 // outputs are synced side by side
			r.calls.On(func(providertest.Call) *providertest.Fault {
				if int(calls.Add(1)) > n {
					return &providertest.Fault{Before: providers.ErrUnavailable}
				}
				return nil
			})
			_, err := r.engine.Remove(t.Context(), r.target, keyset.Removal{By: "me", Now: true})
			for range 2 {
				if err == nil {
					_, err = r.engine.Pass(t.Context(), r.target, engine.Ask{})
				}
			}
			whole = int(calls.Load()) <= n
			r.calls.On(nil)
			r.restart()
			r.remove(0, true)
			r.run(day)
			r.ends()
		})
		points++
		if whole || t.Failed() {
			break
		}
	}
	t.Logf("killed at %d points", points)
	if points < 15 {
		t.Errorf("only %d points", points)
	}
}

// An output that cannot be reached keeps nothing else from being erased. It is told, stays on record, and is
// cleaned once it is there again, even where the config has it no more.
func TestADeadOutputHoldsNoOtherErasure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out, dead := memory.New(), memory.New()
		faulty := providertest.NewFaulty(dead)
		r.target.Outputs = []engine.Output{keysetOutput("env", out), keysetOutput("dead", faulty)}
		r.pass(engine.Ask{})
		faulty.On(func(providertest.Call) *providertest.Fault {
			return &providertest.Fault{Before: providers.ErrUnavailable}
		})
		r.remove(day, false)
		r.run(20 * day)
		if s := r.set(); s.Removing == nil {
			t.Fatal("the end does not wait for an output that is behind")
		}
		r.remove(0, true)
		last := r.run(day)
		if r.set().Removed == nil || readable(r.store, r.made[0]) || readable(out, r.made[0]) || !readable(dead, r.made[0]) {
			t.Fatal("what can be erased is not, or the dead output is not dead")
		}
		if a := last.Step.Alarms; len(a) != 1 || a[0].Code != rotation.NotErased || a[0].Output != "dead" {
			t.Errorf("told: %+v", a)
		}
		was := r.target.Outputs[1]
		r.target.Outputs, r.target.Fresh = r.target.Outputs[:1], rotation.FreshOnce
		r.target.Reopen = func(_ context.Context, o keyset.Output) (engine.Output, error) {
			if o.Name != was.Name {
				return engine.Output{}, errors.New("another place")
			}
			return was, nil
		}
		if res := r.pass(engine.Ask{}); res.Set != nil {
			t.Error("another key began while something of the first was left")
		}
		faulty.On(nil)
		r.target.Fresh = ""
		r.ends(out, dead)
	})
}

// Promise 6: a backup of a removed key is put back. Nothing signs, and a person is told.
func TestPromise6ABackupOfARemovedKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		backup, err := r.store.Read(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		r.remove(0, true)
		r.pass(engine.Ask{})
		now, err := r.store.Read(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Write(t.Context(), name, backup.Value, now.ID, backup.Note); err != nil {
			t.Fatal(err)
		}
		res := r.pass(engine.Ask{})
		if res.Step.Do != rotation.Halt || res.Step.Why.Code != rotation.RemovedBack || res.Set != nil {
			t.Errorf("%+v", res.Step)
		}
	})
}

// Promise 1: a compromise in a removal makes no key sign; of all keys, it is the end.
func TestPromise1ACompromiseInARemoval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		r.pass(engine.Ask{})
		r.run(every + time.Hour)
		r.remove(5*day, false)
		r.pass(engine.Ask{})
		kids := []string{r.set().Keys[0].Kid, r.set().Keys[1].Kid}
		r.pass(engine.Ask{Revoke: kids[:1]})
		if s := r.set(); kinds(s) != "previous" || !slices.Contains(s.Revoked, kids[0]) || readable(out, r.made[1]) || readable(r.store, r.made[1]) {
			t.Errorf("revoked: %s", kinds(s))
		}
		if _, err := r.engine.Restore(t.Context(), r.target, "me"); !errors.Is(err, keyset.ErrNoWayBack) {
			t.Errorf("taken back: %v", err)
		}
		r.pass(engine.Ask{Revoke: kids[1:]})
		if s := r.set(); s.Removed == nil || len(s.Revoked) != 2 {
			t.Errorf("all keys are compromised: %s", kinds(s))
		}
		r.ends(out)
	})
}

// A later key of the name begins once, in the same places, and the daemon that saw the end goes on with it.
func TestALaterKeyOfTheName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		r.pass(engine.Ask{})
		other := *r
		other.engine = r.process("rotate test 2")
		other.pass(engine.Ask{})
		r.remove(0, true)
		r.pass(engine.Ask{})
		other.pass(engine.Ask{})
		r.target.Fresh = rotation.FreshOnce
		res := r.pass(engine.Ask{})
		if res.Set == nil || len(res.Step.Alarms) > 0 || r.read(out, "out-env").Lineage != res.Set.Lineage {
			t.Fatalf("a later key: %+v", res.Step)
		}
		for _, p := range []*rig{r, &other} { // the second still has the config without fresh
			if got := p.pass(engine.Ask{}); got.Set == nil || got.Set.Lineage != res.Set.Lineage || len(got.Step.Alarms) > 0 {
				t.Errorf("it goes on: %+v", got.Step)
			}
		}
		r.run(3 * every)
		r.remove(0, true)
		r.run(day)
		r.ends(out)
		r.target.Fresh = r.set().Lineage
		if r.pass(engine.Ask{}).Set == nil {
			t.Error("the lineage that ended is named, and no key begins")
		}
	})
}

// Two daemons bring a removal to its end at once, one of them frozen inside any of its writes.
func TestTwoDaemonsEndAKey(t *testing.T) {
	for n := range 3 {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("write %d, before %v", n, before), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					r := newRig(t)
					r.target.Outputs = []engine.Output{keysetOutput("env", memory.New())}
					r.pass(engine.Ask{})
					other := *r
					other.engine = r.process("rotate test 2")
					other.pass(engine.Ask{})
					thaw := make(chan struct{})
					fault := providertest.Fault{PauseBefore: thaw}
					if !before {
						fault = providertest.Fault{PauseAfter: thaw}
					}
					r.calls.On(providertest.Nth(providertest.Write, r.calls.Count(providertest.Write)+n, fault))
					done := make(chan struct{})
					go func() {
						defer close(done)
						_, _ = r.engine.Remove(context.Background(), r.target, keyset.Removal{For: day, By: "me"})
						r.run(4 * day)
					}()
					time.Sleep(time.Minute)
					other.remove(day, false)
					other.run(4 * day)
					close(thaw)
					<-done
					r.ends()
				})
			})
		}
	}
}

// A wait begins at a mark: that the end of a key was seen is a mark of its own, and not that of the last rotation.
func TestPromise3AWriteThatHangsEndsNoKeyEarly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		r.run(every + 3*day) // one rotation, seen everywhere
		thaw := make(chan struct{})
		r.calls.On(providertest.Nth(providertest.Write, r.calls.Count(providertest.Write), providertest.Fault{PauseBefore: thaw}))
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = r.engine.Remove(context.Background(), r.target, keyset.Removal{For: day, By: "me"})
		}()
		time.Sleep(time.Minute)
		time.Sleep(4 * day)
		close(thaw)
		<-done
		r.run(day)
		if s := r.set(); s.Removing == nil {
			t.Fatalf("gone a day after the end was seen: %+v", s)
		}
		r.run(2 * day)
		r.ends()
	})
}

// A reader may sign until it has read the end, so what it signed then verifies for as long as was said.
func TestPromise3TheLastReaderOfTheEndCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		faulty := providertest.NewFaulty(out)
		r.target.Outputs = []engine.Output{keysetOutput("env", faulty)}
		r.pass(engine.Ask{})
		down := true
		faulty.On(func(providertest.Call) *providertest.Fault {
			if down {
				return &providertest.Fault{Before: &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("down")}}
			}
			return nil
		})
		_, _ = r.engine.Remove(context.Background(), r.target, keyset.Removal{For: day, By: "me"})
		r.run(3 * time.Hour)
		down = false
		r.run(time.Minute * 2)
		seen := time.Now()
		r.run(day + prop - 10*time.Minute)
		if s := r.set(); s.Removing == nil {
			t.Fatalf("gone %s after the end was written, which readers read within %s", time.Since(seen), prop)
		}
		r.run(day)
		r.ends(out)
	})
}

// Whoever read the document before its end may write an output when all is over: that is cleaned, too.
func TestPromise4AWriteAfterTheEndIsCleaned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		faulty := providertest.NewFaulty(out)
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		r.pass(engine.Ask{})
		other := *r
		other.engine = r.process("rotate test 2")
		other.target.Outputs = []engine.Output{keysetOutput("env", faulty)}
		other.pass(engine.Ask{})
		r.remove(day, false)
		r.run(time.Hour) // the end is seen everywhere; only the shared text is there still
		thaw := make(chan struct{})
		faulty.On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Read {
				return &providertest.Fault{PauseBefore: thaw}
			}
			return nil
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = other.engine.Pass(context.Background(), other.target, engine.Ask{})
		}()
		time.Sleep(time.Second)
		r.remove(day, true)
		r.pass(engine.Ask{})
		if s := r.set(); s.Removed == nil || len(s.Outputs) > 0 {
			t.Fatalf("not over yet: %+v", s)
		}
		faulty.On(nil)
		writes := faulty.Count(providertest.Write)
		close(thaw)
		<-done
		if faulty.Count(providertest.Write) == writes {
			t.Fatal("the other process has not written")
		}
		r.run(4 * day)
		r.ends(out)
	})
}

// The end is evidence: it is told although the reply to its write was lost.
func TestTheEndIsToldWhateverBecameOfItsReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		r.remove(day, true)
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Write {
				return &providertest.Fault{After: &providers.Error{Kind: providers.ErrUnclear, Err: errors.New("no reply")}}
			}
			return nil
		})
		r.run(3 * day)
		if !slices.ContainsFunc(r.events, func(e engine.Event) bool { return e.Action == string(rotation.Bury) }) {
			t.Errorf("the end is not told: %q", r.story())
		}
		if _, err := r.engine.Restore(t.Context(), r.target, "me"); err != nil {
			t.Errorf("to take back what has ended: %v", err)
		}
	})
}
