package rotation_test

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// What a rule answers on its own boundary; that the rules keep the promises
// together is held by TestPlanOverAllReachableStates.

var seasonal = usual(rotation.Every(90 * day))

// must are the transitions of a test's set.
func must(t *testing.T) func(*keyset.Set, error) *keyset.Set {
	return func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// rotated is a set whose first key was replaced ten days after t0. Its grace
// begins once the promotion is noted as seen everywhere.
func rotated(t *testing.T) *keyset.Set {
	t.Helper()
	must, at := must(t), t0.Add(10*day)
	s := must(keyset.Create("k", "e", "l", newKey(0), t0))
	s = must(s.Publish(newKey(1), at))
	s = must(s.MarkReady(at, nil))
	return must(s.Promote(at.Add(3 * hour)))
}

func at(now time.Time) rotation.Clock { return rotation.Clock{Wall: now} }

var silent = rotation.Reason{Code: rotation.OutputSilent}

// Promise 3: an output that shows only current, a value say, has to show the
// successor before the grace begins, and again before the old key is removed.
// It keeps no key from being published and from signing.
func TestPromise3EveryOutputCounts(t *testing.T) {
	must := must(t)
	value := rotation.Output{Name: "value", Revision: "1"}
	behind := value
	behind.Behind = silent
	places := keyset.Places{{Output: "value", Revision: "1"}}

	promoted := rotated(t)
	settled := must(promoted.MarkSettled(t0.Add(11*day), places, seasonal.Grace))
	published := must(settled.Publish(newKey(2), t0.Add(100*day)))
	ready := must(published.MarkReady(t0.Add(100*day), nil))
	for _, tt := range []struct {
		name   string
		set    *keyset.Set
		now    time.Time
		output rotation.Output
		want   rotation.Action
	}{
		{"settled, behind", promoted, t0.Add(11 * day), behind, rotation.Wait},
		{"settled", promoted, t0.Add(11 * day), value, rotation.MarkSettled},
		{"retire, behind", settled, t0.Add(20 * day), behind, rotation.Wait},
		{"retire", settled, t0.Add(20 * day), value, rotation.Retire},
		{"ready, behind", published, t0.Add(100 * day), behind, rotation.MarkReady},
		{"promote, behind", ready, t0.Add(101 * day), behind, rotation.Promote},
		{"promote, retire first", ready, t0.Add(101 * day), value, rotation.Retire},
	} {
		step := rotation.Plan(seasonal, rotation.Facts{Set: tt.set, Clock: at(tt.now), Outputs: []rotation.Output{tt.output}})
		if step.Do != tt.want {
			t.Errorf("%s: %+v, want %s", tt.name, step, tt.want)
		}
		if told := has(step, rotation.OutputSilent); told == tt.output.Behind.IsZero() {
			t.Errorf("%s: the alarms are %v", tt.name, step.Alarms)
		}
	}
}

// A key of which no more can be made is an alarm once another is wanted, and
// neither before that nor for want of anything else.
func TestNoRoomIsToldOnceAKeyIsWanted(t *testing.T) {
	must := must(t)
	few := rotated(t)
	full := few
	for n := 2; full.HasRoom(); n++ {
		next := must(full.Publish(newKey(n), t0.Add(10*day)))
		full = must(must(next.MarkReady(t0.Add(10*day), nil)).Promote(t0.Add(10*day + 3*hour)))
	}
	due := seasonal.Due(full.Signing().NotBefore)
	jumped := time.Minute
	for _, tt := range []struct {
		name string
		set  *keyset.Set
		now  time.Time
		told bool
	}{
		{"full, not due", full, due.Add(-seasonal.Lead() - 1), false},
		{"full, to be published", full, due.Add(-seasonal.Lead()), true},
		{"room, due, the clock in doubt", few, due, false},
		{"full, due, the clock in doubt", full, due, true},
	} {
		clock := rotation.Clock{Wall: tt.now, Steady: &jumped}
		step := rotation.Plan(seasonal, rotation.Facts{Set: tt.set, Clock: clock})
		if has(step, rotation.NoRoom) != tt.told || !has(step, rotation.ClockJumped) {
			t.Errorf("%s: the alarms are %v", tt.name, step.Alarms)
		}
		for _, r := range step.Alarms {
			if r.Code == rotation.NoRoom && r.Have != uint64(len(full.Keys)) {
				t.Errorf("%s: %+v, there are %d keys", tt.name, r, len(full.Keys))
			}
		}
	}
	if step := rotation.Plan(seasonal, rotation.Facts{Set: full, Clock: at(due)}); step.Do == rotation.Publish {
		t.Errorf("%+v", step)
	}
}

// A request counts for the key that it is about and once.
func TestRequestsAreOfOneKey(t *testing.T) {
	must := must(t)
	set := must(keyset.Create("k", "e", "l", newKey(0), t0))
	now := at(t0.Add(day))
	named, other := keyset.NamedRequest("id", "k0", "me"), keyset.UnnamedRequest("k7", "me")
	asked := must(set.With(named, t0.Add(day)))
	for _, tt := range []struct {
		name string
		set  *keyset.Set
		r    *keyset.Request
		want rotation.Action
		why  rotation.Code
	}{
		{"none", set, nil, rotation.Wait, rotation.PublishedThen},
		{"of this key", set, &named, rotation.Publish, rotation.AskedFor},
		{"of another key", set, &other, rotation.Wait, rotation.PublishedThen},
		{"on record and pending", asked, &named, rotation.Publish, rotation.AskedFor},
	} {
		step := rotation.Plan(seasonal, rotation.Facts{Set: tt.set, Clock: now, Request: rotation.Request{Rotate: tt.r}})
		if step.Do != tt.want || step.Why.Code != tt.why || step.Do == rotation.Publish && step.Why.Whose != "me" {
			t.Errorf("%s: %+v", tt.name, step)
		}
	}
	next := must(set.Publish(newKey(1), t0.Add(day)))
	step := rotation.Plan(seasonal, rotation.Facts{Set: next, Clock: now, Request: rotation.Request{Rotate: &named},
		Outputs: []rotation.Output{{Name: "o", CarriesNext: true, Behind: silent}}})
	if step.Do != rotation.Record || step.Why.Code != rotation.RequestNew || step.Kid != "k0" {
		t.Errorf("a request that nothing can serve yet: %+v", step)
	}
	for _, kids := range [][]string{{"k0"}, {"gone", "k0"}} {
		step := rotation.Plan(seasonal, rotation.Facts{Set: set, Clock: now, Request: rotation.Request{Revoke: kids}})
		if step.Do != rotation.Revoke || step.Kid != kids[0] {
			t.Errorf("revoke %q: %+v", kids, step)
		}
	}
}

// A mark that another process with other outputs has made in place of this one's
// is left alone for its wait and two skews, to the second; see planner.others.
func TestAnothersMarkIsLeftAlone(t *testing.T) {
	must := must(t)
	own := keyset.Places{{Output: "mine", Revision: "1"}}
	theirs := keyset.Places{{Output: "mine", Revision: "1"}, {Output: "theirs", Revision: "1"}}
	outputs := []rotation.Output{{Name: "mine", Revision: "1", CarriesNext: true}}
	marked := t0.Add(10 * day)

	published := must(must(keyset.Create("k", "e", "l", newKey(0), t0)).Publish(newKey(1), marked))
	ready, others := must(published.MarkReady(marked, own)), must(published.MarkReady(marked, theirs))
	promoted := rotated(t)
	settled, othersSettled := must(promoted.MarkSettled(marked.Add(day), own, seasonal.Grace)), must(promoted.MarkSettled(marked.Add(day), theirs, seasonal.Grace))
	known := func(s *keyset.Set) *keyset.Set {
		return must(s.WithOutputs([]keyset.Output{{Name: "mine", Format: "value"}, {Name: "theirs", Format: "value"}}))
	}
	for _, tt := range []struct {
		name  string
		facts rotation.Facts
		until time.Time
		first rotation.Action // until then
		then  rotation.Action
	}{
		{"ready", rotation.Facts{Set: known(others), Ready: ready.Ready}, marked.Add(seasonal.Propagation + 2*rotation.Skew), rotation.Wait, rotation.MarkReady},
		{"settled", rotation.Facts{Set: known(othersSettled), Settled: settled.Settled}, marked.Add(day + seasonal.Grace + 2*rotation.Skew), rotation.Retire, rotation.MarkSettled},
	} {
		tt.facts.Outputs = outputs
		tt.facts.Clock = at(tt.until.Add(-time.Second))
		step := rotation.Plan(seasonal, tt.facts)
		if step.Do != tt.first || !has(step, rotation.OtherOutputs) {
			t.Errorf("%s: %+v, want to %s until %s", tt.name, step, tt.first, tt.until)
		}
		if step.Do == rotation.Wait && (!step.At.Equal(tt.until) || step.Why.Code != rotation.OwnMarkThen) {
			t.Errorf("%s: %+v, want to wait until %s", tt.name, step, tt.until)
		}
		for _, r := range step.Alarms {
			if r.Code == rotation.OtherOutputs && r.Output != "theirs" {
				t.Errorf("%s: %+v", tt.name, r)
			}
		}
		tt.facts.Clock = at(tt.until)
		if step := rotation.Plan(seasonal, tt.facts); step.Do != tt.then || has(step, rotation.OtherOutputs) {
			t.Errorf("%s, once that is over: %+v", tt.name, step)
		}
		tt.facts.Ready, tt.facts.Settled = nil, nil // this process has made no mark
		tt.facts.Clock = at(tt.until.Add(-time.Second))
		if step := rotation.Plan(seasonal, tt.facts); step.Do != tt.then || has(step, rotation.OtherOutputs) {
			t.Errorf("%s, without a mark of its own: %+v", tt.name, step)
		}
	}
}

// What a doubt of the time says: since when, by how much, until when.
func TestDoubtOfTheTimeTells(t *testing.T) {
	set, now := rotated(t), t0.Add(20*day)
	ran := 3 * hour
	newest := set.NewestTime()
	for _, tt := range []struct {
		clock rotation.Clock
		want  rotation.Reason
	}{
		{rotation.Clock{Wall: now, Service: now.Add(-hour)}, rotation.Reason{Code: rotation.ClocksApart, At: now, For: hour}},
		{rotation.Clock{Wall: now, Service: now.Add(hour)}, rotation.Reason{Code: rotation.ClocksApart, At: now, For: -hour}},
		{rotation.Clock{Wall: newest.Add(-hour)}, rotation.Reason{Code: rotation.ClockBehind, At: newest, For: hour}},
		{rotation.Clock{Wall: now, Steady: &ran}, rotation.Reason{Code: rotation.ClockJumped, At: now.Add(seasonal.Grace + rotation.Skew - ran), For: ran}},
	} {
		step := rotation.Plan(seasonal, rotation.Facts{Set: set, Clock: tt.clock})
		if len(step.Alarms) == 0 || !step.Alarms[0].Same(tt.want) {
			t.Errorf("%+v: the alarms are %+v, want %+v", tt.clock, step.Alarms, tt.want)
		}
	}
	// On the boundary there is no doubt.
	longest := seasonal.Grace + rotation.Skew
	for _, clock := range []rotation.Clock{{Wall: newest.Add(-rotation.Skew)}, {Wall: now, Steady: &longest}} {
		if step := rotation.Plan(seasonal, rotation.Facts{Set: set, Clock: clock}); len(step.Alarms) > 0 {
			t.Errorf("%+v: %+v", clock, step)
		}
	}
}

// Where nothing can come due and nothing is in the way, the wait says so.
func TestNothingIsDue(t *testing.T) {
	set := must(t)(keyset.Create("k", "e", "l", newKey(0), t0))
	step := rotation.Plan(usual(fixed{t0, nil}), rotation.Facts{Set: set, Clock: at(t0.Add(day))})
	if step.Do != rotation.Wait || !step.At.IsZero() || step.Why.Code != rotation.NothingDue || len(step.Alarms) > 0 {
		t.Errorf("%+v", step)
	}
}

// Where everything reads at use, a key signs in the second in which it was seen:
// the mark's time is rounded up, and nobody waits for that.
func TestNoWaitWhereAllReadAtUse(t *testing.T) {
	must := must(t)
	atUse := rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 48 * hour}
	now := t0.Add(90*day + 300*time.Millisecond)
	set := must(must(keyset.Create("k", "e", "l", newKey(0), t0)).Publish(newKey(1), now))
	step := rotation.Plan(atUse, rotation.Facts{Set: set, Clock: at(now)})
	if step.Do != rotation.MarkReady || !step.At.After(now) {
		t.Fatalf("%+v", step)
	}
	set = must(set.MarkReady(step.At, step.Places))
	if step := rotation.Plan(atUse, rotation.Facts{Set: set, Clock: at(now)}); step.Do != rotation.Promote {
		t.Errorf("%+v", step)
	}
}

// A forecast ends at its horizon, and after a thousand steps.
func TestForecastEnds(t *testing.T) {
	set := must(t)(keyset.Create("k", "e", "l", newKey(0), t0))
	quick := rotation.Policy{Schedule: rotation.Every(time.Minute)}
	facts := rotation.Facts{Set: set, Clock: at(t0)}
	for until, want := range map[time.Duration]int{time.Minute - 1: 0, time.Minute: 3, 1000 * day: 1000} {
		steps, err := rotation.Forecast(quick, facts, t0.Add(until))
		if err != nil || len(steps) != want {
			t.Errorf("until %s: %d steps, want %d (%v)", until, len(steps), want, err)
		}
		for i, s := range steps {
			if s.Future != (i > 0 && s.Do != rotation.Publish) && !(s.Do == rotation.Retire && s.Kid == "k0") {
				t.Errorf("until %s: step %d is %+v", until, i, s)
				break
			}
		}
	}
}
