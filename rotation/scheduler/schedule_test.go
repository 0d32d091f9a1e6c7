package scheduler_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Zones that set their clocks by an hour, by half of one, at midnight and in
// the south, and one that does not.
var zones = []string{
	"Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Santiago", "America/Sao_Paulo",
	"America/Havana", "Asia/Beirut", "Asia/Tehran", "Africa/Cairo", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Tokyo",
}

// Failure 18: at every change of two years, each date has its firing, once,
// whoever asks from where.
func TestIncident18SummerTimeFiresOnceADate(t *testing.T) {
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		found := append(changes(zone, 2000), changes(zone, 2026)...)
		if len(found) == 0 && name != "Asia/Tokyo" {
			t.Fatalf("%s sets no clocks", name)
		}
		for minute := 0; minute < 4*60; minute += 15 {
			text := fmt.Sprintf("CRON_TZ=%s %d %d * * *", name, minute%60, minute/60)
			s, err := scheduler.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range found {
				last := s.Next(change.AddDate(0, 0, -3))
				for last.Before(change.AddDate(0, 0, 3)) {
					at := s.Next(last)
					if daysBetween(last.In(zone), at.In(zone)) != 1 {
						t.Fatalf("%s: %s is followed by %s", text, last.In(zone), at.In(zone))
					}
					for ask := last; ask.Before(at); ask = ask.Add(97 * time.Minute) {
						if got := s.Next(ask); !got.Equal(at) {
							t.Fatalf("%s: after %s comes %s, but after %s %s", text, last, at, ask, got)
						}
					}
					last = at
				}
			}
		}
	}
}

// changes returns a noon after each change of a zone's clocks in two years.
func changes(zone *time.Location, year int) (noons []time.Time) {
	noon := time.Date(year, 1, 1, 12, 0, 0, 0, zone)
	for noon.Year() < year+2 {
		next := noon.AddDate(0, 0, 1)
		if next.Sub(noon) != day {
			noons = append(noons, next)
		}
		noon = next
	}
	return noons
}

// daysBetween counts by the calendars that a and b show.
func daysBetween(a, b time.Time) int {
	date := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(date(b).Sub(date(a)) / day)
}

// Promise 5 and failure 18: a daemon in a zone with summer time rotates once
// for each due date around every change of two years.
func TestPromise5OnceADateInSummerTime(t *testing.T) {
	for name, at := range map[string]string{
		"Europe/Berlin": "30 2", "America/New_York": "0 2", "America/Sao_Paulo": "15 0", "Australia/Lord_Howe": "45 1",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		in(t, func(w *world) {
			for i, change := range changes(zone, 2000) {
				time.Sleep(time.Until(change.AddDate(0, 0, -3)))
				k := fmt.Sprint("k", i)
				w.during(6*day, w.cronKey(k, "CRON_TZ="+name+" "+at+" * * *"))
				got := w.rotations(k)
				for i, at := range got[1:] {
					if daysBetween(got[i].In(zone), at.In(zone)) != 1 {
						t.Errorf("%s: %s is followed by %s", name, got[i].In(zone), at.In(zone))
					}
				}
				if len(got) != 6 {
					t.Errorf("%s: %d rotations in 6 days", name, len(got))
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "x", "* * * *", "* * * * * *", "61 * * * *", "@sometimes", "@every", "@every soon", "@every 26h",
		"CRON_TZ=Europe/Berlin", "TZ=UTC", "CRON_TZ=Nowhere/Land 0 3 * * *", "CRON_TZ=UTC ",
	} {
		if s, err := scheduler.Parse(text); err == nil {
			t.Errorf("%q gives %#v", text, s)
		}
	}
}

func TestParseReadsUTC(t *testing.T) {
	for _, text := range []string{"0 3 * * *", "TZ=UTC 0 3 * * *", "CRON_TZ=Local 0 3 * * *", " CRON_TZ=UTC\t0 3\t* * * "} {
		s, err := scheduler.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("", 2*3600))
		if got := s.Next(from).UTC(); !got.Equal(time.Date(2026, 7, 2, 3, 0, 0, 0, time.UTC)) {
			t.Errorf("%s fires at %s", text, got)
		}
	}
}

// A firing and the deadline of the same moment are one look.
func TestPromise5OnceAFiring(t *testing.T) {
	in(t, func(w *world) {
		seen := watch(w.store, 0)
		w.store = seen
		k := w.cronKey("k", "0 */6 * * *")
		k.Sync = 1000 * day
		w.during(10*day+time.Hour, k)
		for _, at := range seen.of("k") {
			if !at.Equal(at.Truncate(time.Hour)) {
				t.Errorf("a look in vain at %s", at)
			}
		}
		got := w.rotations("k")
		for i, at := range got {
			if want := time.Date(2000, 1, 1, 6*(i+1), 0, 0, 0, time.UTC); !at.Equal(want) {
				t.Fatalf("rotation %d is at %s, want %s", i, at, want)
			}
		}
		if len(got) != 40 {
			t.Errorf("%d rotations, want 40", len(got))
		}
	})
}

// Promise 8: restarts at any moment do not move a schedule that is anchored to
// stored times.
func TestPromise8RestartsDoNotDrift(t *testing.T) {
	in(t, func(w *world) {
		start, every := time.Now(), 25*time.Hour
		for i := range 300 {
			w.engine = w.freshEngine()
			w.during(time.Duration(1+i*i%97)*7*time.Minute, w.key("k", rotation.Every(every)))
		}
		got := w.rotations("k")
		for i, at := range got {
			if want := start.Add(time.Duration(i+1) * every); !at.Equal(want) {
				t.Fatalf("rotation %d is at %s, want %s", i, at, want)
			}
		}
		if want := int(time.Since(start) / every); len(got) != want {
			t.Errorf("%d rotations, want %d", len(got), want)
		}
	})
}

// Promise 8 and failure 21: after any time off, one rotation, and then the
// schedule again.
func TestIncident21CatchUpOnce(t *testing.T) {
	for _, schedule := range []string{"0 */20 * * *", "every 20h"} {
		t.Run(schedule, func(t *testing.T) {
			in(t, func(w *world) {
				for off := 1; off <= 365; off++ {
					name := fmt.Sprint("k", off)
					k := w.key(name, rotation.Every(20*time.Hour))
					if schedule != "every 20h" {
						k = w.cronKey(name, schedule)
					}
					w.engine = w.freshEngine()
					w.during(time.Minute, k)
					time.Sleep(time.Duration(off) * day)
					w.engine = w.freshEngine()
					w.during(time.Hour, k)
					if n := len(w.rotations(name)); n != 1 {
						t.Fatalf("%d rotations after %d days off", n, off)
					}
				}
			})
		})
	}
}

// At the start every key is looked at at once.
func TestStartLooksAtOnce(t *testing.T) {
	in(t, func(w *world) {
		var keys []scheduler.Key
		for i := range 100 {
			keys = append(keys, w.key(fmt.Sprint("k", i), rotation.Every(90*day)))
		}
		start := time.Now()
		_, stop := w.run(scheduler.Options{}, keys...)
		synctest.Wait()
		for i := range 100 {
			if !w.made(fmt.Sprint("k", i)) || !time.Now().Equal(start) {
				t.Fatalf("key %d was not made at once", i)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
