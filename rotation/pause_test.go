package rotation_test

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// pauses holds, in every reachable state, that a pause holds publish and promote and nothing else, that a wait
// knows its end, and that at its end all is as without it.
func (w world) pauses(t *testing.T, free rotation.Step) {
	t.Helper()
	paused := w
	set := *w.set
	set.Paused = &keyset.Pause{At: w.now, Until: w.now.Add(tick)}
	paused.set = &set
	step := rotation.Plan(policy, paused.facts())
	held := free.Do == rotation.Publish || free.Do == rotation.Promote
	switch {
	case !held && free.Do != rotation.Wait && (step.Do != free.Do || step.Kid != free.Kid || !step.At.Equal(free.At)):
		t.Errorf("a pause makes %s of %s", step.Do, free.Do)
	case held && step.Do != rotation.Wait && step.Do != rotation.Record:
		t.Errorf("a pause makes %s of %s", step.Do, free.Do)
	case step.Do == rotation.Wait && (step.At.IsZero() || step.At.After(set.Paused.Until)):
		t.Errorf("it waits until %s, and the pause ends at %s", step.At, set.Paused.Until)
	}
	over := w
	over.now, over.set = set.Paused.Until, &set
	then := w
	then.now = over.now
	if a, b := rotation.Plan(policy, over.facts()), rotation.Plan(policy, then.facts()); a.Do != b.Do || a.Kid != b.Kid {
		t.Errorf("at the end of a pause it is %s, and without one %s", a.Do, b.Do)
	}
	look := rotation.Outlook{Policy: policy, Set: &set}
	_, pending := set.Pending() // its time may be that of a store which is ahead
	if at := look.HeldSince(w.now); free.Do == rotation.Promote && !w.asked && !pending && (at.IsZero() || at.After(w.now)) {
		t.Errorf("a promotion is held, and told is since %s", at)
	}
	if at := look.Promotes(w.now, w.asked); !at.IsZero() && at.Before(set.Paused.Until) {
		t.Errorf("told is a promotion at %s, in the pause", at)
	}
}

// What a pause moves: the dates of a rotation that would fall into it.
func TestOutlookInAPause(t *testing.T) {
	must := must(t)
	first := must(keyset.Create("k", "e", "l", newKey(0), t0))
	due := t0.Add(90 * day)
	set := func(s *keyset.Set, until time.Time) rotation.Outlook {
		return rotation.Outlook{Policy: seasonal, Set: must(s.Pause(keyset.Pause{Until: until}, until.Add(-10*day)))}
	}
	lead := due.Add(-seasonal.Lead())
	next := must(first.Publish(newKey(1), lead))
	ready := must(next.MarkReady(lead, nil))
	asked := must(first.Record(keyset.UnnamedRequest("k0", "me"), due.Add(-5*day)))
	for _, tt := range []struct {
		name string
		got  time.Time
		want time.Time
	}{
		{"ends before it matters", set(first, lead.Add(-hour)).Publishes(), lead},
		{"publish is held", set(first, due).Publishes(), due},
		{"promote is held", set(ready, due.Add(hour)).Begins(false), due.Add(hour)},
		{"and of who asks", set(ready, due.Add(hour)).Begins(true), due.Add(hour)},
		{"a request is held", set(asked, due).Promotes(due.Add(-5*day), false), due.Add(wait)},
		{"late since its end", set(ready, due.Add(hour)).LateSince(rotation.Step{Do: rotation.Promote}), due.Add(hour)},
		{"of a request, too", set(asked, due).LateSince(rotation.Step{Do: rotation.Publish}), due},
		{"held since it was due", set(ready, due.Add(2*hour)).HeldSince(due.Add(hour)), due},
		{"held since someone asked", set(asked, due).HeldSince(due.Add(-day)), due.Add(-5 * day)},
		{"not due yet", set(ready, due.Add(hour)).HeldSince(due.Add(-hour)), time.Time{}},
		{"over", set(ready, due.Add(hour)).HeldSince(due.Add(hour)), time.Time{}},
	} {
		if !tt.got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

// A forecast knows the pause: nothing is published before its end, and what was due comes after it once.
func TestForecastKnowsThePause(t *testing.T) {
	must := must(t)
	s := must(keyset.Create("k", "e", "l", newKey(0), t0))
	until := t0.Add(150 * day)
	s = must(s.Pause(keyset.Pause{Until: until}, t0))
	steps, err := rotation.Forecast(seasonal, rotation.Facts{Set: s, Clock: at(t0)}, t0.Add(200*day))
	if err != nil || len(steps) < 2 || steps[0].Do != rotation.Publish || !steps[0].At.Equal(until) || steps[1].Do != rotation.Promote || !steps[1].At.Equal(until.Add(wait)) {
		t.Errorf("%v, %+v", err, steps)
	}
}
