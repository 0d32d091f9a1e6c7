package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// The rules order how gone a key is by the contract's own words.
func TestStrengthsAreTheContracts(t *testing.T) {
	hows := []providers.How{providers.Unlabelled, providers.Disabled, providers.Replaced, providers.Unlinked, providers.Destroyed}
	for i, weak := range hows {
		for j, strong := range hows {
			if got := rotation.Weaker(string(weak), string(strong)); got != (i < j) {
				t.Errorf("%s is weaker than %s: %v", weak, strong, got)
			}
		}
		if !rotation.Weaker(rotation.NotYet, string(weak)) || !rotation.Weaker(rotation.CannotTell, string(weak)) {
			t.Errorf("%s is not stronger than nothing", weak)
		}
		if got, want := rotation.Reversible(string(weak)), weak == providers.Unlabelled || weak == providers.Disabled; got != want {
			t.Errorf("%s can be had back: %v", weak, got)
		}
	}
}

// traces is how gone each removed key is, as a process that only looks finds it:
// "how in places until time".
func (r *rig) traces(eng *engine.Engine) (told []string) {
	r.t.Helper()
	res, err := eng.Look(context.Background(), r.target, engine.Ask{})
	if err != nil {
		r.t.Fatal(err)
	}
	return said(rotation.Traces(time.Now(), res.Set, engine.Places(eng.Past(context.Background(), r.target, res, true))))
}

func said(traces []rotation.Trace) (told []string) {
	for _, tr := range traces {
		text := fmt.Sprintf("%s in %q", tr.How, tr.Places)
		if !tr.Until.IsZero() {
			text += " until " + tr.Until.UTC().Format(time.DateTime)
		}
		told = append(told, text)
	}
	return told
}

// What was found is noted by the next write that comes anyway, and by no other: a
// process that has looked at nothing notes nothing.
func TestTheNextWriteNotesWhatWasFound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every + 3*day)
		set := r.set()
		if len(set.Gone) != 1 || set.Gone[0].Observed() || set.Gone[0].Generation != set.Generation {
			t.Fatalf("after the removal: %+v at generation %d", set.Gone, set.Generation)
		}
		writes := r.calls.Count(providertest.Write)
		r.run(every)
		set = r.set()
		g := set.Gone[len(set.Gone)-1]
		if !g.Observed() || g.How != string(providers.Destroyed) || !g.Erased.After(g.At.Add(-time.Second)) || !g.Until.IsZero() {
			t.Errorf("a rotation later: %+v", g)
		}
		r.run(3 * day)
		if n := r.calls.Count(providertest.Write) - writes; n != 5 { // publish, ready, promote, settled, retire
			t.Errorf("a rotation took %d writes, want 5", n)
		}
		before := r.set()
		r.restart()
		r.pass(engine.Ask{Rotate: true}) // its first write comes before it has looked at anything
		if set = r.set(); set.Gone[0].Kid != before.Gone[0].Kid || set.Gone[0].Observed() {
			t.Errorf("noted by who had seen nothing: %+v", set.Gone[0])
		}
	})
}

// What was seen of one removal says nothing of another: a key that a backup has
// brought back, and that is removed again, is not gone because it was once.
func TestPromise4WhatWasSeenIsOfOneRemoval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		old, leaked := r.store.Peek()[name][0], r.set().Signing().Kid
		if res := r.pass(engine.Ask{Revoke: []string{leaked}}); len(res.Traces) != 1 || res.Traces[0].How != string(providers.Destroyed) {
			t.Fatalf("%+v", res.Traces)
		}
		r.store.Tamper(name, old.Value.Reveal())
		if _, err := r.engine.Accept(context.Background(), r.target, old.Note.Generation, []string{leaked}); err != nil {
			t.Fatal(err)
		}
		if g := r.set().Gone; len(g) != 1 || g[0].Kid != leaked || g[0].Observed() {
			t.Errorf("brought back, and removed again: %+v", g)
		}
		if got := r.traces(r.process("another")); !slices.Equal(got, []string{`not yet in [""]`}) {
			t.Errorf("it is %q", got)
		}
		r.pass(engine.Ask{})
		if got := r.traces(r.process("another")); !slices.Equal(got, []string{`destroyed in [""]`}) {
			t.Errorf("it is %q", got)
		}
	})
}

// Each place counts, in the process that erases and in one that only looks.
func TestPromise4EachPlaceCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		outputs, _ := withOutputs(r)
		r.target.Outputs[2].OneKey = true
		r.pass(engine.Ask{})
		leaked := r.set().Signing().Kid
		same := func(what string, res engine.Result, want string) {
			t.Helper()
			equal(t, what+", who erases", said(res.Traces), []string{want})
			equal(t, what+", who looks", r.traces(r.process("another")), []string{want})
		}
		denied := func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Erase {
				return &providertest.Fault{Before: providers.ErrDenied}
			}
			return nil
		}
		outputs["one"].On(denied)
		outputs["value"].On(denied)
		same("two that cannot erase", r.pass(engine.Ask{Revoke: []string{leaked}}), `not yet in ["one" "value"]`)
		outputs["one"].On(nil)
		same("one that cannot erase", r.pass(engine.Ask{}), `not yet in ["value"]`)
		down(outputs["value"])
		equal(t, "one that is down, who erases and remembers", said(r.pass(engine.Ask{}).Traces), []string{`not yet in ["value"]`})
		equal(t, "one that is down, who looks", r.traces(r.process("another")), []string{`cannot tell in ["value"]`})
		outputs["value"].On(nil)
		same("all", r.pass(engine.Ask{}), `destroyed in ["" "one" "two" "value"]`)
		r.target.Outputs = r.target.Outputs[:2]
		same("an output that left the config", r.pass(engine.Ask{}), `cannot tell in ["value"]`)
	})
}

// An output that was not written since shows the key, not only its past.
func TestPromise4AnOutputThatIsBehindShowsTheKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		outputs, _ := withOutputs(r)
		r.target.Outputs[2].OneKey = true
		r.pass(engine.Ask{})
		for _, n := range []string{"one", "value"} {
			outputs[n].On(func(c providertest.Call) *providertest.Fault {
				if c.Op == providertest.Write {
					return &providertest.Fault{Before: providers.ErrDenied}
				}
				return nil
			})
		}
		res := r.pass(engine.Ask{Revoke: []string{r.set().Signing().Kid}})
		equal(t, "who erases", said(res.Traces), []string{`not yet in ["one" "value"]`})
		equal(t, "who looks", r.traces(r.process("another")), []string{`not yet in ["one" "value"]`})
		found, err := r.engine.Remains(context.Background(), r.target)
		if err != nil || len(found.Left) != 2 || found.Left[0].Code != engine.LeftOld || found.Left[1].Code != engine.LeftOld {
			t.Errorf("left: %+v, %v", found.Left, err)
		}
	})
}

// A slow store erases some revisions less strongly than its kind promises, as
// Google does where a secret has a version_destroy_ttl.
type slowStore struct {
	*memory.Store
	after time.Duration
	gone  []providers.Erased
}

func (s *slowStore) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	revs, _ := s.Store.History(ctx, name)
	e, err := s.Store.Erase(ctx, name, id, head)
	for _, rev := range revs {
		if err == nil && rev.ID == id {
			e = providers.Erasure{How: providers.Disabled, Until: time.Now().Add(s.after).Truncate(time.Second)}
			s.gone = append(s.gone, providers.Erased{ID: id, Note: rev.Note, Erasure: e})
		}
	}
	return e, err
}

// An erasure that was weaker is what the erasing process says, what its next
// write notes, and what its event tells.
func TestPromise4AWeakerErasureIsWhatHappened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		slow := &slowStore{Store: r.store, after: 30 * day} // its History tells nothing
		r.target.Store = slow
		r.pass(engine.Ask{})
		leaked := r.set().Signing().Kid
		res := r.pass(engine.Ask{Revoke: []string{leaked}})
		if len(slow.gone) != 1 || len(res.Traces) != 1 || res.Traces[0].How != string(providers.Disabled) || !res.Traces[0].Until.Equal(slow.gone[0].Until) {
			t.Fatalf("%+v, erased %+v", res.Traces, slow.gone)
		}
		last := r.events[len(r.events)-1]
		if last.Action != "erase" || last.How != string(providers.Disabled) || last.Until == nil || !slices.Equal(last.Kids, []string{leaked}) || !strings.Contains(say.Event(last).Reason, "disabled until it is destroyed at ") {
			t.Errorf("%+v", last)
		}
		time.Sleep(day)
		res = r.pass(engine.Ask{Rotate: true})
		if g := r.set().Gone[0]; g.How != string(providers.Disabled) || !g.Until.Equal(slow.gone[0].Until) {
			t.Errorf("noted is %+v", g)
		}
		r.restart() // what was noted counts for who has erased nothing
		if res = r.pass(engine.Ask{}); res.Traces[0].How != string(providers.Disabled) {
			t.Errorf("%+v", res.Traces)
		}
		time.Sleep(30 * day)
		if res = r.pass(engine.Ask{}); res.Traces[len(res.Traces)-1].Kid != leaked || res.Traces[len(res.Traces)-1].How != string(providers.Destroyed) {
			t.Errorf("after the date: %+v", res.Traces)
		}
	})
}

var _ providers.Store = (*slowStore)(nil)

// A key whose outputs hold one key each: after a report of the one that signs,
// what holds only the key before it stays and is no leftover.
func TestPromise34AReportKeepsThePreviousValue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		r.target.Outputs[2].OneKey = true
		r.pass(engine.Ask{})
		first := r.set().Signing()
		r.pass(engine.Ask{Rotate: true})
		time.Sleep(prop + rotation.Skew)
		r.pass(engine.Ask{})
		leaked := r.set().Signing()
		r.pass(engine.Ask{Revoke: []string{leaked.Kid}})
		found, err := r.engine.Remains(context.Background(), r.target)
		if err != nil || len(found.Left) > 0 {
			t.Errorf("left: %+v, %v", found.Left, err)
		}
		if text := string(first.Text().Reveal()); !readable(stores["value"], text) {
			t.Error("the previous value was erased")
		}
		if text := string(leaked.Text().Reveal()); readable(stores["value"], text) || readable(r.store, text) {
			t.Error("the leaked key can be read")
		}
	})
}
