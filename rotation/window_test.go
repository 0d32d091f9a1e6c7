package rotation_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// weekdays is Monday to Thursday.
var weekdays = [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true}

var daily = [7]bool{true, true, true, true, true, true, true}

// office is Mon-Thu 09:00-16:00 in Berlin.
func office(t *testing.T) rotation.Window {
	return rotation.Window{Days: weekdays, From: 9 * hour, To: 16 * hour, Zone: zone(t, "Europe/Berlin")}
}

func TestWindow(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	nights := rotation.Window{Days: weekdays, From: 22 * hour, To: 4 * hour, Zone: berlin}
	skipped := rotation.Window{Days: [7]bool{time.Sunday: true}, From: 2*hour + 30*time.Minute, To: 5 * hour, Zone: berlin}
	whole := rotation.Window{Days: weekdays, To: 24 * hour, Zone: berlin}
	sundays := [7]bool{time.Sunday: true}
	gone := rotation.Window{Days: sundays, From: 2 * hour, To: 3 * hour, Zone: berlin}
	midnight := rotation.Window{Days: daily, To: 4 * hour, Zone: zone(t, "America/Santiago")}
	sunday := rotation.Window{Days: sundays, To: 6 * hour, Zone: midnight.Zone}
	late := rotation.Window{Days: daily, From: 30 * time.Minute, To: 4 * hour, Zone: midnight.Zone}
	havana := rotation.Window{Days: daily, To: 4 * hour, Zone: zone(t, "America/Havana")}
	azores := rotation.Window{Days: sundays, To: 4 * hour, Zone: zone(t, "Atlantic/Azores")}
	for _, tt := range []struct {
		name       string
		w          rotation.Window
		from, next string
	}{
		{"always open", rotation.Window{}, "2026-03-01T03:00:00Z", "2026-03-01T03:00:00Z"},
		{"open, in winter", office(t), "2026-01-05T08:00:00Z", "2026-01-05T08:00:00Z"},
		{"not yet, in winter", office(t), "2026-01-05T07:59:59Z", "2026-01-05T08:00:00Z"},
		{"open, in summer", office(t), "2026-07-06T07:00:00Z", "2026-07-06T07:00:00Z"},
		{"the last second", office(t), "2026-01-05T14:59:59Z", "2026-01-05T14:59:59Z"},
		{"closed at its end", office(t), "2026-01-05T15:00:00Z", "2026-01-06T08:00:00Z"},
		{"over the weekend, and into summer time", office(t), "2026-03-26T15:00:00Z", "2026-03-30T07:00:00Z"},
		{"into winter time", office(t), "2026-10-22T15:00:00Z", "2026-10-26T08:00:00Z"},
		{"a night", nights, "2026-01-06T02:59:59Z", "2026-01-06T02:59:59Z"},
		{"the night before is not one of its days", nights, "2026-01-05T02:00:00Z", "2026-01-05T21:00:00Z"},
		{"the last night reaches into Friday", nights, "2026-01-09T02:00:00Z", "2026-01-09T02:00:00Z"},
		{"after the last night", nights, "2026-01-09T03:00:00Z", "2026-01-12T21:00:00Z"},
		{"it opens in the hour that is skipped", skipped, "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		{"all of a weekly one is skipped", gone, "2027-03-21T02:00:00Z", "2027-04-04T00:00:00Z"},
		{"all of a weekly one is skipped the next day", gone, "2027-03-27T12:00:00Z", "2027-04-04T00:00:00Z"},
		{"midnight is skipped", midnight, "2027-09-04T08:00:00Z", "2027-09-05T04:00:00Z"},
		{"half an hour before a midnight that is skipped", midnight, "2027-09-05T03:30:00Z", "2027-09-05T04:00:00Z"},
		{"the midnight of a Sunday is skipped", sunday, "2027-08-29T10:00:00Z", "2027-09-05T04:00:00Z"},
		{"it opens in the hour that is skipped at midnight", late, "2027-09-04T08:00:00Z", "2027-09-05T04:30:00Z"},
		{"midnight is skipped in Havana", havana, "2027-03-13T12:00:00Z", "2027-03-14T05:00:00Z"},
		{"midnight is skipped on the Azores", azores, "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"},
		{"whole days", whole, "2026-01-08T22:59:59Z", "2026-01-08T22:59:59Z"},
		{"after whole days", whole, "2026-01-08T23:00:00Z", "2026-01-11T23:00:00Z"},
	} {
		from, _ := time.Parse(time.RFC3339, tt.from)
		if got := tt.w.Next(from).UTC().Format(time.RFC3339); got != tt.next {
			t.Errorf("%s: from %s on it is open at %s, want %s", tt.name, tt.from, got, tt.next)
		}
	}
	if at := (rotation.Window{From: hour, To: 2 * hour, Zone: time.UTC}).Next(t0); !at.IsZero() {
		t.Errorf("a window without days opens at %s", at)
	}
}

// From any time on the next opening is open, is not in the past, and misses no other by more
// than the hour that a zone plays with.
func TestWindowMissesNoOpening(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia",
		"America/Santiago", "America/Havana", "Atlantic/Azores"} {
		z := zone(t, name)
		for i := range 60 {
			w := rotation.Window{Zone: z, From: time.Duration(r.IntN(24*60)) * time.Minute, To: time.Duration(1+r.IntN(24*60)) * time.Minute}
			if i%3 == 0 { // some zones skip the first hour of a day
				w.From = 0
			}
			for i := range w.Days {
				w.Days[i] = r.IntN(2) == 0
			}
			w.Days[r.IntN(7)] = true
			from := t0.Add(time.Duration(r.IntN(3*365*24*60)) * time.Minute)
			at := w.Next(from)
			if at.Before(from) || !w.Open(at) {
				t.Fatalf("%+v: from %s on it is open at %s: %v", w, from, at, w.Open(at))
			}
			for m := from; m.Before(at.Add(-hour)); m = m.Add(5 * time.Minute) {
				if w.Open(m) && w.Open(m.Add(65*time.Minute)) && !w.Open(at.Add(-time.Minute)) {
					t.Fatalf("%+v: from %s on it is open at %s, not only at %s", w, from, m, at)
				}
			}
		}
	}
}

// A due date outside the window is at the next opening, with the key's own share of the spread.
// Keys that come due inside stay there.
func TestDueWaitsForTheWindow(t *testing.T) {
	p := usual(mustCron(t, "0 3 * * 6")) // Saturday at night
	p.Window, p.Jitter = office(t), 7*time.Minute
	nbf := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	if got, want := p.Due(nbf), time.Date(2026, 1, 12, 8, 7, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("due %s, want %s", got, want)
	}
	p.Jitter = 8 * hour // more than the window is long
	if got, want := p.Due(nbf), time.Date(2026, 1, 12, 8, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("with a long spread due %s, want %s", got, want)
	}
	p.Schedule, p.Jitter = mustCron(t, "0 10 * * 3"), 0
	if got, want := p.Due(nbf), time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("inside due %s, want %s", got, want)
	}
	p.Window.Days = [7]bool{} // no config has one that never opens
	if got, want := p.Due(nbf), time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("with a window that never opens due %s, want %s", got, want)
	}
	p.Schedule = rotation.Manual{}
	if got := p.Due(nbf); !got.IsZero() {
		t.Errorf("a key that is rotated by hand is due %s", got)
	}
}

// What is due is promoted in the window alone, even where it was missed; what is asked for is
// promoted at once.
func TestPromotionsKeepToTheWindow(t *testing.T) {
	must := must(t)
	p := usual(rotation.Every(90 * day))
	p.Window = office(t)
	s := must(keyset.Create("k", "e", "l", newKey(0), t0))
	due := p.Due(t0) // Wednesday 2026-04-01 is due at night, so it waits for 09:00
	if want := time.Date(2026, 4, 1, 7, 0, 0, 0, time.UTC); !due.Equal(want) {
		t.Fatalf("due %s, want %s", due, want)
	}
	s = must(must(s.Publish(newKey(1), due.Add(-p.Lead()))).MarkReady(due.Add(-p.Lead()), nil))
	asked := must(s.With(keyset.UnnamedRequest("k0", "me"), due))
	missed := due.Add(10 * hour) // 17:00: nobody looked in the window
	for _, tt := range []struct {
		name string
		set  *keyset.Set
		now  time.Time
		do   rotation.Action
		at   time.Time
	}{
		{"before it", s, due.Add(-time.Second), rotation.Wait, due},
		{"at its opening", s, due, rotation.Promote, due},
		{"missed", s, missed, rotation.Wait, due.Add(day)},
		{"the next day", s, due.Add(day), rotation.Promote, due.Add(day)},
		{"asked for, outside", asked, missed, rotation.Promote, missed},
	} {
		step := rotation.Plan(p, rotation.Facts{Set: tt.set, Clock: at(tt.now)})
		if step.Do != tt.do || !step.At.Equal(tt.at) {
			t.Errorf("%s: %s at %s, want %s at %s", tt.name, step.Do, step.At, tt.do, tt.at)
		}
		look := rotation.Outlook{Policy: p, Set: tt.set}
		if signs := look.Promotes(tt.now, false); !signs.Equal(tt.at) {
			t.Errorf("%s: told are promotions at %s, want %s", tt.name, signs, tt.at)
		}
	}
}

// A forecast of three years has each promotion in the window, and none is left out.
func TestForecastKeepsToTheWindow(t *testing.T) {
	for _, schedule := range []rotation.Schedule{rotation.Every(30 * day), mustCron(t, "0 3 1 * *"), mustCron(t, "30 15 * * 5")} {
		p := usual(schedule)
		p.Window, p.Jitter = office(t), 9*time.Minute
		until := t0.AddDate(3, 0, 0)
		steps, err := rotation.Forecast(p, rotation.Facts{Clock: at(t0)}, until)
		if err != nil {
			t.Fatal(err)
		}
		promotions := 0
		for _, s := range steps {
			if s.Do == rotation.Promote {
				promotions++
				if !p.Window.Open(s.At) {
					t.Errorf("a promotion at %s is outside", s.At)
				}
			}
		}
		if fewest := int(until.Sub(t0)/(31*day)) - 2; promotions < fewest {
			t.Errorf("%d promotions in three years, want at least %d", promotions, fewest)
		}
	}
}

func TestCheckWindow(t *testing.T) {
	p := usual(nil)
	p.Window = office(t)
	for _, tt := range []struct {
		name, schedule string
		jitter         time.Duration
		inside, some   bool // firings inside, and outside
	}{
		{"each night", "0 3 * * *", 0, false, true},
		{"on Saturdays", "0 12 * * 6", 0, false, true},
		{"inside, always", "0 12 * * 1", 0, true, false},
		{"inside in winter alone", "30 14 * * 1", 0, true, true},
		{"on the first of a month", "0 12 1 * *", 0, true, true},
		{"with the jitter never", "59 13 * * 1", 2 * hour, false, true},
		{"on a leap day", "0 12 29 2 *", 0, true, false}, // 2024 has a Thursday, 2028 a Tuesday
	} {
		p.Schedule, p.Jitter = mustCron(t, tt.schedule), tt.jitter
		fit := p.CheckWindow(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
		if fit.Inside > 0 != tt.inside || fit.Outside > 0 != tt.some {
			t.Errorf("%s: %+v", tt.name, fit)
		}
	}
	for _, s := range []rotation.Schedule{rotation.Every(day), rotation.Manual{}} {
		p.Schedule = s
		if fit := p.CheckWindow(t0); fit != (rotation.WindowFit{}) {
			t.Errorf("%T: %+v", s, fit)
		}
	}
	// A firing that has to wait for days reaches into the next rotation.
	p.Schedule, p.Jitter, p.Grace = mustCron(t, "0 3 * * 4,0"), 0, 30*hour
	if rhythm := p.CheckSchedule(t0); !rhythm.Fits() {
		t.Errorf("Thursday and Sunday fit: %+v", rhythm)
	}
	p.Window.Days = [7]bool{time.Wednesday: true}
	if rhythm := p.CheckSchedule(t0); rhythm.Fits() {
		t.Error("Thursday's rotation waits until after Sunday's")
	}
}
