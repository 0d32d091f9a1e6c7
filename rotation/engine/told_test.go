package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Failure 2: an output that says yes and keeps nothing is behind, and no key signs
// that it does not show.
func TestIncident02AnOutputThatDropsWritesIsBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.target.Outputs = []engine.Output{keysetOutput("drops", drops{memory.New()})}
		res := r.pass(engine.Ask{})
		if len(res.Step.Alarms) != 1 || res.Step.Alarms[0].Code != rotation.OutputNotKept || res.Step.Alarms[0].Output != "drops" {
			t.Errorf("the alarms are %+v", res.Step.Alarms)
		}
		r.run(every + 3*day)
		if n := r.actions(rotation.Promote); n > 0 {
			t.Errorf("%d keys began to sign", n)
		}
	})
}

// drops is a store whose writes succeed and leave nothing.
type drops struct{ *memory.Store }

func (d drops) Write(_ context.Context, _ string, v providers.Secret, _ providers.RevisionID, n providers.Note) (providers.Revision, error) {
	return providers.Revision{ID: "dropped", Value: v, Note: n}, nil
}

// A request is on record where a retry of it could be taken for another one.
func TestRequestsAtCreation(t *testing.T) {
	for id, want := range map[string]int{"": 0, "job": 1} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			r.pass(engine.Ask{Rotate: true, ID: id, By: "me"})
			if set := r.set(); set.Generation != 1 || len(set.Requests) != want {
				t.Errorf("id %q: generation %d with %d requests, want %d", id, set.Generation, len(set.Requests), want)
			}
		})
	}
}

// A write without a reply that another one has overtaken is told by nobody but
// its winner.
func TestAnOvertakenWriteIsNotTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		winner := *r
		winner.target.Store = r.store
		winner.engine = r.process("winner")
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if c.Op != providertest.Write {
				return nil
			}
			r.calls.On(nil)
			winner.pass(engine.Ask{})
			return &providertest.Fault{Before: providers.ErrUnclear}
		})
		r.pass(engine.Ask{})
		for _, ev := range r.events {
			if ev.Action == string(rotation.Create) && ev.Actor != "winner" {
				t.Errorf("%s tells of a creation that did not happen", ev.Actor)
			}
		}
		if r.actions(rotation.Create) != 1 {
			t.Errorf("%d creations are told", r.actions(rotation.Create))
		}
	})
}

// A refusal is told once for as long as it stays, and a command on a key that has
// halted says so and changes nothing.
func TestARefusalIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		calls, _ := withOutputs(r)
		res := r.pass(engine.Ask{})
		if want := string(r.store.Traits().Erases); string(res.Erases) != want || want == "" {
			t.Errorf("the store erases as %q, and told is %q", want, res.Erases)
		}
		r.store.Tamper(name, []byte("spoilt"))
		writes := calls["one"].Count(providertest.Write)
		for range 3 {
			if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt {
				t.Fatalf("%+v", res.Step)
			}
			time.Sleep(time.Hour)
		}
		res, err := r.engine.Forget(context.Background(), r.target, r.target.Outputs[0])
		if err != nil || res.Step.Do != rotation.Halt || calls["one"].Count(providertest.Write) != writes {
			t.Errorf("forget: %+v, %v", res.Step, err)
		}
		refusals := 0
		for _, ev := range r.events {
			if ev.Action == engine.Refuse {
				refusals++
			}
		}
		if refusals != 1 {
			t.Errorf("it is told %d times", refusals)
		}
	})
}

// Of a key that was never made, or cannot be trusted, nothing remains that could
// be looked for.
func TestRemainsOfNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		withOutputs(r)
		for range 2 {
			got, err := r.engine.Remains(context.Background(), r.target)
			if err != nil || got.Set != nil || len(got.Pasts) > 0 {
				t.Errorf("%+v, %v", got, err)
			}
			r.pass(engine.Ask{})
			r.store.Tamper(name, []byte("spoilt"))
		}
	})
}
