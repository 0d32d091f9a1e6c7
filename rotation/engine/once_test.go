package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// faults are the ways in which one call goes wrong, by whether it was made.
var faults = map[string]providertest.Fault{
	"not made":       {Before: providers.ErrUnavailable},
	"lost, not made": {Before: providers.ErrUnclear},
	"made, no reply": {After: providers.ErrUnclear},
	"overtaken":      {Before: providers.ErrConflict},
}

// Promise 10: whichever call of a command fails, however it does, nothing halts
// and a repeat of the command does the rest, once. A failure is told.
func TestPromise10AdoptAtEachCall(t *testing.T) {
	old, err := keyset.AdoptSymmetric("old", keyset.HS256, secret.New([]byte(strings.Repeat("o", 40))), "")
	if err != nil {
		t.Fatal(err)
	}
	adopt := func(r *rig) error {
		_, err := r.engine.Adopt(context.Background(), r.target, []keyset.Key{old}, 0, "")
		return err
	}
	atEachCall(t, func(r *rig) *providertest.Faulty { return r.calls }, adopt, func(r *rig) string {
		if set := r.set(); set.Generation != 1 || set.Signing().Kid != "old" || r.actions(rotation.Create) != 1 {
			return fmt.Sprintf("generation %d, signs with %s, told of %d creations", set.Generation, set.Signing().Kid, r.actions(rotation.Create))
		}
		return ""
	})
}

func TestPromise10ForgetAtEachCall(t *testing.T) {
	var cleaned *memory.Store
	for _, place := range []string{"", "one"} { // the key's own store, and the output's
		forget := func(r *rig) error {
			gone := r.target.Outputs[0]
			cut := *r
			cut.target.Outputs = r.target.Outputs[1:]
			_, err := cut.engine.Forget(context.Background(), cut.target, gone)
			return err
		}
		atEachCall(t, func(r *rig) *providertest.Faulty {
			calls, stores := withOutputs(r)
			cleaned = stores["one"]
			r.pass(engine.Ask{})
			r.pass(engine.Ask{Rotate: true})
			if place != "" {
				return calls[place]
			}
			return r.calls
		}, forget, func(r *rig) string {
			known := slices.ContainsFunc(r.set().Outputs, func(o keyset.Output) bool { return o.Name == "one" })
			told := 0
			for _, ev := range r.events {
				if ev.Action == "forget" && ev.Why.Code == rotation.PlaceCleaned {
					told++
				}
			}
			if known || len(r.set().Outputs) != 2 || told != 1 {
				return fmt.Sprintf("one is known: %v of %d outputs, told %d times", known, len(r.set().Outputs), told)
			}
			for _, text := range r.made {
				if readable(cleaned, text) {
					return "a key is readable in a place that was forgotten"
				}
			}
			return ""
		})
	}
}

func TestPromise10AcceptAtEachCall(t *testing.T) {
	ctx := context.Background()
	accept := func(r *rig) error {
		found, _, err := r.engine.Restored(ctx, r.target)
		if err != nil || len(found.Witnesses) == 0 {
			return err // there is nothing to accept any more
		}
		_, err = r.engine.Accept(ctx, r.target, found.Set.Generation, nil)
		return err
	}
	atEachCall(t, func(r *rig) *providertest.Faulty {
		r.pass(engine.Ask{})
		backup, err := r.store.Read(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		r.pass(engine.Ask{Rotate: true})
		r.store.Tamper(name, backup.Value.Reveal())
		r.restart()
		return r.calls
	}, accept, func(r *rig) string {
		res, err := r.engine.Pass(ctx, r.target, engine.Ask{})
		if err != nil || res.Step.Do != rotation.Wait || r.actions(rotation.Accept) != 1 {
			return fmt.Sprintf("%+v, %v, accepted %d times", res.Step, err, r.actions(rotation.Accept))
		}
		return ""
	})
}

// atEachCall runs a command with each of its calls to one store failing in turn,
// and then again without. done says what is amiss in the end.
func atEachCall(t *testing.T, begin func(*rig) *providertest.Faulty, command func(*rig) error, done func(*rig) string) {
	t.Helper()
	for how, fault := range faults {
		for n := 1; ; n++ {
			reached := false
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				calls := begin(r)
				made := 0
				var failed providertest.Call
				calls.On(func(c providertest.Call) *providertest.Fault {
					if made++; made != n {
						return nil
					}
					reached, failed = true, c
					if c.Op != providertest.Write && (fault.After != nil || errors.Is(fault.Before, providers.ErrConflict)) {
						return nil // only a write can have happened, or be overtaken
					}
					return &fault
				})
				err := command(r)
				calls.On(nil)
				what := fmt.Sprintf("%s, call %d (%s)", how, n, failed.Op)
				if fails := reached && fault.After == nil && !errors.Is(fault.Before, providers.ErrConflict); fails != (err != nil) && failed.Op != providertest.Write {
					t.Errorf("%s: the command says %v", what, err)
				}
				for range 2 { // the second changes nothing
					if err := command(r); err != nil {
						t.Errorf("%s: a repeat says %v", what, err)
					}
					if amiss := done(r); amiss != "" {
						t.Errorf("%s: %s", what, amiss)
					}
				}
				before := calls.Count(providertest.Write)
				if err := command(r); err != nil || calls.Count(providertest.Write) != before {
					t.Errorf("%s: once more is %v, with %d writes", what, err, calls.Count(providertest.Write)-before)
				}
			})
			if !reached || t.Failed() {
				break
			}
			if n > 60 {
				t.Fatal("the command makes calls without end")
			}
		}
	}
}

// Outputs are asked of the past only where an answer matters, and each of them
// where someone wants to know all.
func TestPastAsksWhereItMatters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		calls, _ := withOutputs(r)
		res := r.pass(engine.Ask{})
		asked := func(res engine.Result, all bool) (names []string, pasts []engine.Past) {
			before := map[string]int{}
			for n, c := range calls {
				before[n] = c.Count(providertest.History)
			}
			pasts = r.engine.Past(context.Background(), r.target, res, all)
			for n, c := range calls {
				if c.Count(providertest.History) > before[n] {
					names = append(names, n)
				}
			}
			slices.Sort(names)
			return names, pasts
		}
		check := func(what string, res engine.Result, all bool, want ...string) []engine.Past {
			t.Helper()
			got, pasts := asked(res, all)
			equal(t, what, got, want)
			return pasts
		}
		check("nothing was removed yet", res, false)
		check("all", res, true, "one", "two", "value")
		behind := res
		behind.Outputs = slices.Clone(res.Outputs)
		behind.Outputs[1].Behind = rotation.Reason{Code: rotation.OutputSilent}
		for i, p := range check("one is behind", behind, false, "two") {
			if (p.Head != nil) != (i == 2) || p.Unseen != (i == 1 || i == 3) {
				t.Errorf("place %d: %+v", i, p.Place)
			}
		}
		empty := behind // and nothing stands in its place
		full := r.target.Outputs[1].Store
		r.target.Outputs[1].Store = memory.New()
		if p := check("one is behind and empty", empty, false)[2]; p.Head != nil || p.Err != nil || p.Unseen {
			t.Errorf("an empty place: %+v, %v", p.Place, p.Err)
		}
		r.target.Outputs[1].Store = full
		unknown := res
		unknown.Outputs = res.Outputs[:2]
		check("one was never looked at", unknown, false, "value")
		nothing := res
		nothing.Set = nil
		for i, p := range check("no document", nothing, true) {
			if i > 0 && !p.Unseen {
				t.Errorf("place %d: %+v", i, p.Place)
			}
		}
		r.run(every + grace + 2*day) // a key was removed, and what became of it is noted
		res = r.pass(engine.Ask{})
		noted := res
		set := *res.Set
		set.Gone = slices.Clone(set.Gone)
		noted.Set = &set
		set.Gone[0].How = "destroyed"
		check("noted", noted, false)
		set.Gone[0].How = ""
		check("not noted", noted, false, "one", "two", "value")
		r.target.Outputs[0].Store = oneValue{calls["one"]}
		check("a place that keeps one value", noted, false, "two", "value")
	})
}

// oneValue is a store that keeps nothing of what was replaced.
type oneValue struct{ *providertest.Faulty }

func (o oneValue) Traits() providers.Traits {
	traits := o.Faulty.Traits()
	traits.OneValue = true
	return traits
}

var _ providers.Store = oneValue{providertest.NewFaulty(memory.New())}
