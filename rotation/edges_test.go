package rotation_test

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// What lies exactly on a boundary of the rules, and just beside it.

// A firing that the last rotation still reaches is left out: what is due next
// comes after its propagation and its grace.
func TestDueLeavesOutWhatTheLastRotationReaches(t *testing.T) {
	p := usual(mustCron(t, "0 3 * * *"))
	firing := time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)
	for before, want := range map[time.Duration]time.Time{
		p.Grace - p.Propagation: firing.AddDate(0, 0, 1),
		p.Grace:                 firing.AddDate(0, 0, 1),
		p.Grace + p.Propagation: firing.AddDate(0, 0, 1),
		p.Grace + p.Propagation + time.Nanosecond: firing,
	} {
		if got := p.Due(firing.Add(-before)); !got.Equal(want) {
			t.Errorf("signing since %s before a firing, it is due at %s, want %s", before, got, want)
		}
	}
}

// A fixed schedule fires at these times after a start.
type fixed struct {
	start time.Time
	after []time.Duration
}

func (f fixed) Next(t time.Time) time.Time {
	for _, d := range f.after {
		if at := f.start.Add(d); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

func TestScheduleAtItsBoundaries(t *testing.T) {
	p := usual(nil)
	shortest := p.MinPeriod()
	years := 5 * 366 * day // as far as a schedule is looked at
	for name, c := range map[string]struct {
		after []time.Duration
		ok    bool
	}{
		"the shortest period":                {[]time.Duration{day, day + shortest}, true},
		"less than the shortest period":      {[]time.Duration{day, day + shortest - 1}, false},
		"too close far ahead":                {[]time.Duration{90 * day, 180 * day, years - shortest, years - 1}, false},
		"too close on the day of the end":    {[]time.Duration{90 * day, years, years + 1}, false},
		"too close over the end":             {[]time.Duration{90 * day, years, years + 1, years + 2}, false},
		"too close beyond what is looked at": {[]time.Duration{90 * day, years + 1, years + 2}, true},
	} {
		p.Schedule = fixed{t0, c.after}
		if r := p.CheckSchedule(t0); r.Fits() != c.ok {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for period, warns := range map[time.Duration]bool{rotation.PeriodAdvice: false, rotation.PeriodAdvice + time.Second: true} {
		p.Schedule = rotation.Every(period)
		if r := p.CheckSchedule(t0); !r.Fits() || (r.Longest > rotation.PeriodAdvice) != warns {
			t.Errorf("every %s: %+v", rotation.Duration(period), r)
		}
	}
}

// Two clocks that are apart by exactly what they may be are trusted.
func TestClocksApartByTheSkew(t *testing.T) {
	set, promote, _ := published(t)
	for _, apart := range []time.Duration{rotation.Skew, rotation.Skew + 1} {
		for _, sign := range []time.Duration{-1, 1} {
			clock := rotation.Clock{Wall: promote.Add(hour), Service: promote.Add(hour + sign*apart)}
			step := rotation.Plan(usual(rotation.Every(90*day)), rotation.Facts{Set: set, Clock: clock})
			if want := apart == rotation.Skew; (step.Do == rotation.Promote) != want {
				t.Errorf("%s apart: %v", sign*apart, step)
			}
		}
	}
}
