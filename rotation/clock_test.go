package rotation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// published is a set with a ready next key, retiring one that has a date, and
// the times at which either may go on.
func published(t *testing.T) (set *keyset.Set, promote, retire time.Time) {
	t.Helper()
	must := func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := must(keyset.Create("k", "e", "l", newKey(0), t0))
	for i, at := range []time.Time{t0.Add(10 * day), t0.Add(11 * day)} {
		s = must(s.Publish(newKey(i+1), at))
		s = must(s.MarkReady(at, nil))
		if i == 0 {
			s = must(s.Promote(at.Add(3 * hour)))
			s = must(s.MarkSettled(at.Add(3*hour), nil, 48*hour))
		}
	}
	s = must(s.With(keyset.UnnamedRequest(s.Signing().Kid, "someone"), t0.Add(11*day)))
	return s, t0.Add(11*day + 2*hour + rotation.Skew), t0.Add(12*day + 3*hour + rotation.Skew)
}

// Promise 8: for every error of the host's clock from ten years back to ten
// years ahead, a store that tells the time keeps promotion and deletion from
// happening a moment too early.
func TestPromise8TheStoreTellsTheTime(t *testing.T) {
	set, promote, retire := published(t)
	p := usual(rotation.Every(90 * day))
	for _, wrong := range []time.Duration{time.Second, time.Minute, 5 * time.Minute, 6 * time.Minute, hour, 30 * hour, 100 * day, 3650 * day} {
		for _, sign := range []time.Duration{-1, 1} {
			for _, now := range []time.Time{promote.Add(-time.Second), promote, retire.Add(-time.Second), retire} {
				clock := rotation.Clock{Wall: now.Add(sign * wrong), Service: now}
				step := rotation.Plan(p, rotation.Facts{Set: set, Clock: clock})
				name := fmt.Sprintf("host %s off at %s: %v", sign*wrong, now, step)
				if step.Do == rotation.Promote && now.Before(promote) || step.Do == rotation.Retire && now.Before(retire) {
					t.Error("too early: " + name)
				}
				if wrong > rotation.Skew && (step.Do != rotation.Wait || !has(step, rotation.ClocksApart)) {
					t.Error("no alarm: " + name)
				}
			}
		}
	}
	if step := rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: promote, Service: promote}}); step.Do != rotation.Promote {
		t.Errorf("in its time: %v", step)
	}
	if step := rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: retire, Service: retire}}); step.Do != rotation.Retire {
		t.Errorf("in its time: %v", step)
	}
}

// Promise 8: after a jump nothing ends that this process did not run through.
func TestPromise8AfterAJumpOnlyWholeWaitsCount(t *testing.T) {
	set, _, _ := published(t)
	p := usual(rotation.Every(90 * day))
	for _, c := range []struct {
		ran  time.Duration
		want rotation.Action
	}{
		{0, rotation.Wait},
		{2 * hour, rotation.Wait},
		{2*hour + 5*time.Minute, rotation.Promote}, // P + skew
		{48 * hour, rotation.Promote},
		{48*hour + 5*time.Minute, rotation.Retire}, // G + skew; retire goes first
	} {
		clock := rotation.Clock{Wall: t0.Add(1000 * day), Steady: &c.ran}
		step := rotation.Plan(p, rotation.Facts{Set: set, Clock: clock})
		if step.Do != c.want {
			t.Errorf("%s after a jump: %v, want %s", c.ran, step, c.want)
		}
		if step.Do == rotation.Wait && len(step.Alarms) == 0 {
			t.Errorf("%s after a jump: no alarm", c.ran)
		}
	}
}

func TestPromise8AClockBehindTheDocumentIsWrong(t *testing.T) {
	set, _, _ := published(t)
	p := usual(rotation.Every(90 * day))
	step := rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: t0}})
	if step.Do != rotation.Wait || !has(step, rotation.ClockBehind) {
		t.Errorf("%v", step)
	}
}

// A rotation that is asked for and held up by something of which nobody can tell
// the end is not called nothing.
func TestAWaitThatNothingEndsSaysSo(t *testing.T) {
	set, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Publish(newKey(1), t0.Add(day)); err != nil {
		t.Fatal(err)
	}
	facts := rotation.Facts{Set: set, Clock: rotation.Clock{Wall: t0.Add(day)}, Outputs: []rotation.Output{{Name: "shop", CarriesNext: true, Behind: rotation.Reason{Code: rotation.OutputSilent}}}}
	step := rotation.Plan(usual(rotation.Every(90*day)), facts)
	if step.Do != rotation.Wait || !step.At.IsZero() || step.Why.Code != rotation.InTheWay || !has(step, rotation.OutputSilent) || step.Alarms[0].Output != "shop" {
		t.Errorf("%+v", step)
	}
}

// The wait of a host whose clock runs a little ahead of the store's does not
// end again and again until the store's clock is there, too.
func TestWaitIsByTheHostsClock(t *testing.T) {
	set, promote, _ := published(t)
	ahead := 4 * time.Minute
	clock := rotation.Clock{Wall: promote.Add(ahead - time.Second), Service: promote.Add(-time.Second)}
	step := rotation.Plan(usual(rotation.Every(90*day)), rotation.Facts{Set: set, Clock: clock})
	if step.Do != rotation.Wait || !step.At.Equal(promote.Add(ahead)) {
		t.Errorf("%v, want to wait until %s", step, promote.Add(ahead))
	}
}

func TestPromise8LateIsNotLost(t *testing.T) {
	p := usual(rotation.Every(90 * day))
	for _, off := range []time.Duration{1 * day, 89 * day, 90 * day, 91 * day, 365 * day, 3650 * day} {
		set, err := keyset.Create("k", "e", "l", newKey(0), t0)
		if err != nil {
			t.Fatal(err)
		}
		back := t0.Add(off)
		steps, err := rotation.Forecast(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: back}}, back.Add(80*day))
		if err != nil {
			t.Fatal(err)
		}
		promotions := 0
		for _, s := range steps {
			if s.Do == rotation.Promote {
				promotions++
				if s.At.Before(back.Add(p.Propagation)) && off >= 90*day {
					t.Errorf("%s off: promoted at %s, before anyone can know the key", rotation.Duration(off), s.At)
				}
			}
		}
		if want := 1; off > 10*day && promotions != want {
			t.Errorf("%s off: %d rotations, want %d", rotation.Duration(off), promotions, want)
		}
	}
}

func TestForecast(t *testing.T) {
	steps, err := rotation.Forecast(usual(mustCron(t, "0 3 1 */3 *")), rotation.Facts{Clock: rotation.Clock{Wall: t0}}, t0.Add(365*day))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, s.At.Format("01-02 15:04 ")+string(s.Do))
	}
	want := []string{"01-01 00:00 create"}
	for _, month := range []string{"04", "07", "10"} {
		want = append(want, month+"-01 00:50 publish", month+"-01 03:00 promote", month+"-03 03:05 retire")
	}
	want = append(want, "") // the next year's is beyond the horizon
	if strings.Join(append(got, ""), "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func has(step rotation.Step, code rotation.Code) bool {
	return slices.ContainsFunc(step.Alarms, func(r rotation.Reason) bool { return r.Code == code })
}
