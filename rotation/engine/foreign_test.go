package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A secret that held a value before rotate came is not one whose document was
// lost: nothing is to be put back there.
func TestPromise6AValueFromBeforeRotate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.store.Tamper(name, []byte(`{"JWT_SECRET":"hunter2 and more","DB_PASSWORD":"x"}`))
		res := r.pass(engine.Ask{})
		if res.Step.Do != rotation.Halt || res.Step.Why.Code != rotation.ForeignValue {
			t.Fatalf("%s, %+v", res.Step.Do, res.Step.Why)
		}
		if text := why(res); strings.Contains(text, "put back") || !strings.Contains(text, "another `secret:`") || strings.Contains(text, "hunter2") {
			t.Error(text)
		}
		if n := len(r.store.Peek()[name]); n != 1 {
			t.Errorf("%d revisions, want the value alone", n)
		}
	})
}

// Promise 6: a stranger's value in an output needs a person, also while a
// rotation is due.
func TestAStrangerInAnOutputIsToldWhateverIsDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		if _, err := stores["one"].Write(t.Context(), "out-one", providers.NewSecret([]byte("theirs")), "", providers.Note{}); err != nil {
			t.Fatal(err)
		}
		r.pass(engine.Ask{})
		for _, later := range []time.Duration{0, every} {
			time.Sleep(later)
			res, err := r.process("rotate test 2").Look(t.Context(), r.target, engine.Ask{})
			if err != nil || len(res.Step.Alarms) == 0 || res.Step.Alarms[0].Code != rotation.OutputStranger {
				t.Errorf("%s: %+v, %v", res.Step.Do, res.Step.Alarms, err)
			}
		}
	})
}

// Lost races are told after the eighth round, with how many there were.
func TestLostRacesAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.calls.On(providertest.Every(providertest.Write, providertest.Fault{Before: providers.ErrConflict}))
		res := r.pass(engine.Ask{})
		if len(res.Step.Alarms) != 1 || res.Step.Alarms[0].Code != rotation.WritersBusy || res.Step.Alarms[0].Have != 8 {
			t.Errorf("%s: %+v", res.Step.Do, res.Step.Alarms)
		}
		r.calls.On(nil)
		if res := r.pass(engine.Ask{}); len(res.Step.Alarms) > 0 || res.Set.Signing().Status != keyset.Current {
			t.Errorf("%+v", res.Step)
		}
	})
}
