package rotation_test

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/keyrotate/rotate/rotation"
)

const (
	day  = 24 * time.Hour
	hour = time.Hour
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func mustCron(t *testing.T, text string) rotation.Schedule {
	t.Helper()
	s, err := cron.ParseStandard(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// usual is a policy with the defaults of the config.
func usual(s rotation.Schedule) rotation.Policy {
	return rotation.Policy{Schedule: s, Grace: 48 * hour, Propagation: 2 * hour}
}

func TestPromise5ARotationByHandIsNotFollowedByTheScheduled(t *testing.T) {
	p := usual(mustCron(t, "0 3 1 * *"))
	byHand := time.Date(2026, 4, 1, 2, 59, 0, 0, time.UTC)
	if got, want := p.Due(byHand), time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("due %s, want %s", got, want)
	}
}

func TestIncident19DueIsInWholeSeconds(t *testing.T) {
	p := usual(rotation.Every(90 * day))
	p.Jitter = 7*time.Minute + 300*time.Millisecond
	for _, ns := range []time.Duration{-1, 0, 1} {
		got := p.Due(t0.Add(time.Second + ns))
		if got.Nanosecond() != 0 || got.Location() != time.UTC {
			t.Errorf("due %v", got)
		}
	}
	if got, want := p.Due(t0), t0.Add(90*day+7*time.Minute); !got.Equal(want) {
		t.Errorf("due %s, want %s", got, want)
	}
}

// Failure 18: robfig/cron#541. In UTC nothing is skipped or repeated; with
// CRON_TZ each local day has at most one due date, and none is closer to its
// neighbour than the policy allows.
func TestPromise5DaylightSavingSkipsOrRepeatsNothing(t *testing.T) {
	zones := []string{"", "CRON_TZ=Europe/Berlin ", "CRON_TZ=America/New_York ", "CRON_TZ=Australia/Lord_Howe ", "CRON_TZ=America/Sao_Paulo ", "CRON_TZ=Africa/Casablanca "}
	for _, zone := range zones {
		for _, spec := range []string{"30 2 * * 0", "0 0 * * 0", "30 1 * * 0"} {
			p := usual(mustCron(t, zone+spec))
			nbf, firings := t0, 0
			for nbf.Before(t0.AddDate(2, 0, 0)) {
				due := p.Due(nbf)
				if gap := due.Sub(nbf); gap < p.MinPeriod() || firings > 0 && gap > 15*day {
					t.Fatalf("%s%s: %s passes from %s to %s", zone, spec, gap, nbf, due)
				}
				nbf = due
				firings++
			}
			if firings < 104-4 || firings > 106 {
				t.Errorf("%s%s: %d firings in two years of weeks", zone, spec, firings)
			}
		}
	}
}

func TestGraceBounds(t *testing.T) {
	b := rotation.DefaultGraceBounds
	for _, ok := range []time.Duration{24 * hour, 36 * hour, 48 * hour} {
		if !b.Hold(ok) {
			t.Errorf("%s is refused", ok)
		}
	}
	for _, bad := range []time.Duration{0, -1, 24*hour - 1, 48*hour + 1, 90 * day} {
		if b.Hold(bad) {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestTokenLife(t *testing.T) {
	p := usual(rotation.Every(90 * day))
	longest := p.LongestToken()
	if want := 48*hour - 2*hour - 5*time.Minute; longest != want {
		t.Errorf("longest token %s, want %s", longest, want)
	}
	p.TokenTTL = longest
	if least, ok := p.FitsToken(); !ok || least != p.Grace {
		t.Errorf("%v, a grace of at least %s", ok, least)
	}
	p.TokenTTL++
	if least, ok := p.FitsToken(); ok || least != p.Grace+1 {
		t.Errorf("a token that outlives its key is allowed: %v, a grace of at least %s", ok, least)
	}
}

func TestScheduleRules(t *testing.T) {
	for _, c := range []struct {
		spec               string
		never, close, long bool
	}{
		{"0 3 1 * *", false, false, false},
		{"0 3 1 */3 *", false, false, false},
		{"0 3 * * *", false, true, false},
		{"0 3 30 2 *", true, false, false},
		{"0 3 1,2 * *", false, true, false},
		{"0 3 1 1 *", false, false, true},
		{"@every 1h", false, true, false},
		{"@every 2161h", false, false, false},
		{"@yearly", false, false, true},
	} {
		r := usual(mustCron(t, c.spec)).CheckSchedule(t0)
		if r.Never != c.never || r.Close.IsZero() == c.close || r.Fits() == (c.never || c.close) || (r.Longest > rotation.PeriodAdvice) != c.long {
			t.Errorf("%s: %+v", c.spec, r)
		}
	}
	if r := usual(rotation.Every(50 * hour)).CheckSchedule(t0); r.Fits() || r.Gap != 50*hour {
		t.Errorf("every 50h with 50h10m of work: %+v", r)
	}
	if r := usual(rotation.Every(181 * day)).CheckSchedule(t0); !r.Fits() || r.Longest != 181*day {
		t.Errorf("every 181d: %+v", r)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 45 * time.Second: "45s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m",
		2 * hour: "2h", 90 * time.Minute: "1h30m", 24 * hour: "24h", 48 * hour: "48h", 50*hour + 10*time.Minute: "50h10m",
		3 * day: "3d", 90 * day: "90d", 90*day + 5*hour: "90d5h", 72*hour + 10*time.Minute: "3d10m", hour + 10*time.Second: "1h", -2 * hour: "-2h",
	} {
		if got := rotation.Duration(d).String(); got != want {
			t.Errorf("%d prints as %q, want %q", d, got, want)
		}
	}
}
