package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// pause pauses the key for a time from now.
func (r *rig) pause(d time.Duration, reason string) engine.Result {
	r.t.Helper()
	res, err := r.engine.Pause(context.Background(), r.target, keyset.Pause{Until: time.Now().Add(d), By: "me", Reason: reason})
	if err != nil {
		r.t.Fatalf("pause: %v", err)
	}
	return res
}

// A key that is paused in the midst of a rotation goes on with what was promised: the outputs
// are brought up to date, the previous key is retired and erased at its time. Nothing new
// begins until the pause has ended by itself, and then the catch-up is one rotation.
func TestPromise4APauseNeverHoldsARetirement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		r.pass(engine.Ask{})
		r.run(every + time.Hour) // the second key signs, the first verifies
		old := r.set().Previous()[0].Kid
		begun := r.set().Settled.At
		r.pause(2*every, "a release")
		r.run(grace + day)
		if s := r.set(); len(s.Previous()) > 0 || !s.Settled.At.Equal(begun) {
			t.Errorf("in the pause: %s, its grace began %s, and at %s before", kinds(s), s.Settled.At, begun)
		}
		if readable(r.store, old) && !r.set().Knows(old) || readable(r.store, r.made[0]) || readable(out, r.made[0]) {
			t.Error("what was retired can still be read")
		}
		promoted := r.actions(rotation.Promote)
		r.run(2*every - grace - 2*day)
		if r.actions(rotation.Promote) != promoted || kinds(r.set()) != "current" {
			t.Errorf("in the pause a key was rotated: %s", kinds(r.set()))
		}
		r.run(3 * day)
		if r.actions(rotation.Promote) != promoted+1 || r.set().Paused != nil || r.set().MinWriter != 1 {
			t.Errorf("after the pause: %d promotions, %+v", r.actions(rotation.Promote)-promoted, r.set().Paused)
		}
	})
}

// A request is put on record in a pause, and served once it has ended; a compromise is not held.
func TestAPauseHoldsRequestsAndNoReport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		first := r.set().Signing().Kid
		r.pause(5*day, "a release")
		r.pass(engine.Ask{Rotate: true, By: "someone"})
		r.run(4 * day)
		if _, pending := r.set().Pending(); !pending || kinds(r.set()) != "current" {
			t.Errorf("in the pause: %s, pending %v", kinds(r.set()), pending)
		}
		res := r.pass(engine.Ask{Revoke: []string{first}})
		if s := r.set(); s.Signing().Kid == first || s.Paused == nil {
			t.Errorf("a compromise waits for the pause: %s", kinds(s))
		}
		if res.Step.Why.Code != rotation.PauseEnds {
			t.Errorf("it waits for %s", res.Step.Why.Code)
		}
	})
}

// Resume ends it at once. Both are done once however often they are asked for, after any lost
// race or reply, and are on record.
func TestPauseAndResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		if _, err := r.engine.Pause(t.Context(), r.target, keyset.Pause{Until: time.Now().Add(day)}); err == nil {
			t.Error("a key that is not there was paused")
		}
		r.pass(engine.Ask{})
		writes := func() int { return r.calls.Count(providertest.Write) }
		before := writes()
		until := time.Now().Add(day)
		for range 2 {
			if _, err := r.engine.Pause(t.Context(), r.target, keyset.Pause{Until: until, By: "me", Reason: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		if writes() != before+1 || r.set().Generation != 1 {
			t.Errorf("%d writes for one pause, generation %d", writes()-before, r.set().Generation)
		}
		time.Sleep(700 * time.Millisecond) // a document has whole seconds
		before = writes()
		r.pause(365*day, "for ever")
		if writes() != before+1 {
			t.Errorf("%d writes for a pause that is cut short", writes()-before)
		}
		if p := r.set().Paused; p.Until.Sub(p.At) != keyset.MaxPause || p.Reason != "for ever" {
			t.Errorf("%+v", p)
		}
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Write {
				r.calls.On(nil)
				return &providertest.Fault{After: providers.ErrUnclear}
			}
			return nil
		})
		for range 2 {
			if res, err := r.engine.Resume(t.Context(), r.target, "me"); err != nil || res.Set.Paused != nil || res.Set.MinWriter != 1 {
				t.Errorf("resume: %v, %+v", err, res.Set)
			}
		}
		equal(t, "the story", r.story(), []string{"create g1", "pause g1", "resume g1"})
	})
}

// A document that cannot be trusted is not paused either.
func TestPauseOfWhatIsNotTrusted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		r.store.Tamper(name, []byte("a stranger's"))
		res, err := r.engine.Pause(t.Context(), r.target, keyset.Pause{Until: time.Now().Add(day)})
		if err != nil || res.Step.Do != rotation.Halt {
			t.Errorf("%s %v", res.Step.Do, err)
		}
		r.calls.On(func(providertest.Call) *providertest.Fault { return &providertest.Fault{Before: providers.ErrDenied} })
		if _, err := r.engine.Resume(t.Context(), r.target, "me"); !errors.Is(err, providers.ErrDenied) {
			t.Error(err)
		}
	})
}
