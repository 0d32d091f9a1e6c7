package config

import (
	"testing"
)

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"0 3 1 */3 *", "@monthly", "@every 30d", "CRON_TZ=Europe/Berlin 0 3 * * 1", "TZ=UTC", "CRON_TZ= ", "*/0 * * * *", "@every"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		schedule, err := parseSchedule(s)
		if err != nil {
			return
		}
		if next := schedule.Next(reference); !next.IsZero() && next.Before(reference) {
			t.Fatalf("%q fires in the past", s)
		}
	})
}
