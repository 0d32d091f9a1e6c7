package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// What the simulation (internal/test/sim) found in this package, each with the seed
// that showed it. docs/how-it-is-tested.md lists them.

// setClock gives the rig's process a wall clock that is off by ahead.
func (r *rig) setClock(ahead *time.Duration) {
	r.engine.Clock = func() rotation.Clock { return rotation.Clock{Wall: time.Now().Round(0).Add(*ahead)} }
}

// Seed 1, world 1: the clock of a host was set back, and from then on the loss
// of the key was taken for a stale read, without an alarm, until the clock would
// have caught up.
func TestPromise6AClockSetBackExplainsNoLoss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, memory.WithClock(time.Now))
		var ahead time.Duration
		r.setClock(&ahead)
		r.pass(engine.Ask{})
		r.store.Lose(name)
		ahead = -60 * day
		res, err := r.engine.Pass(context.Background(), r.target, engine.Ask{})
		if err != nil || res.Step.Do != rotation.Halt {
			t.Errorf("%s (%s), %v; want a halt", res.Step.Do, why(res), err)
		}
	})
}

// Seed 1, world 3: an output in a store with versions kept every key that it
// was ever given.
func TestPromise4OutputsKeepNothingEither(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("app", out)}
		r.run(every + 4*day)
		for _, text := range r.made[:len(r.made)-1] {
			if readable(out, text) {
				t.Error("a retired key can be read in an output")
			}
		}
		if got := len(out.Peek()["out-app"]); got != 1 {
			t.Errorf("%d revisions are left in the output, want 1", got)
		}
	})
}

// A host whose clock is ahead erases nothing before the store's clock says that
// readers have moved on.
func TestPromise8AClockAheadErasesNothingEarly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, memory.WithClock(time.Now))
		r.pass(engine.Ask{})
		r.pass(engine.Ask{Rotate: true})
		var ahead = 60 * day
		r.setClock(&ahead)
		r.pass(engine.Ask{})
		if n := r.calls.Count(providertest.Erase); n != 0 {
			t.Errorf("%d revisions erased within the propagation", n)
		}
		time.Sleep(prop)
		r.pass(engine.Ask{})
		if n := r.calls.Count(providertest.Erase); n == 0 {
			t.Error("nothing erased after it")
		}
	})
}

// Seed 1, world 6: a compromised key was reported from a host whose clock was
// ten years ahead. The new key began to sign in ten years, and until then every
// other host doubted its own clock: no rotation, no deletion. What cannot wait
// for the clocks to agree carries the store's time.
func TestPromise8AWrongClockLeavesNoFutureBehind(t *testing.T) {
	for _, ask := range []engine.Ask{{Rotate: true}, {Revoke: []string{""}}} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, memory.WithClock(time.Now))
			kid := r.pass(engine.Ask{}).Set.Signing().Kid
			if len(ask.Revoke) > 0 {
				ask.Revoke = []string{kid}
			}
			ahead := 3650 * day
			r.setClock(&ahead)
			r.pass(ask)
			r.restart()
			if res := r.pass(engine.Ask{}); alarms(res) != "" {
				t.Errorf("on another host: %s", alarms(res))
			}
			for _, q := range r.set().Requests {
				if q.At.After(time.Now()) {
					t.Errorf("a request of %s", q.At)
				}
			}
		})
	}
}
