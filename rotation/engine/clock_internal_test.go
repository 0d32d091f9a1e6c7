package engine

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Promise 8: failure 20, cert-manager#7556. A jump of the wall clock or a
// suspend is noticed, slow corrections are not taken for one.
func TestPromise8JumpsAreNoticed(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for _, jump := range []time.Duration{
		time.Second, rotation.Skew, rotation.Skew + 1, time.Hour, day, 3650 * day,
		-time.Second, -rotation.Skew, -rotation.Skew - 1, -time.Hour, -3650 * day,
	} {
		var c SystemClock
		c.agreed.wall = start
		for steady := time.Duration(0); steady <= day; steady += 10 * time.Minute {
			if c.read(start.Add(steady), steady).Steady != nil {
				t.Fatal("a jump before there was one")
			}
		}
		noticed := jump.Abs() > rotation.Skew
		for _, ago := range []time.Duration{0, time.Minute, 3 * day} {
			steady := day + ago
			got := c.read(start.Add(steady+jump), steady).Steady
			if (got != nil) != noticed || got != nil && *got != ago {
				t.Errorf("%s after a jump of %s: %v", ago, jump, got)
			}
		}
	}
}

func TestSlowCorrectionsAreNoJump(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, between := range []time.Duration{10 * time.Minute, time.Hour, 25 * time.Hour} { // two looks
		var c SystemClock
		c.agreed.wall = start
		for steady := time.Duration(0); steady < 365*24*time.Hour; steady += between {
			drift := steady / 2000 // 500 ppm
			if c.read(start.Add(steady+drift), steady).Steady != nil {
				t.Fatalf("a look each %s: after %s a drift of %s is taken for a jump", between, steady, drift)
			}
		}
	}
}

// A clock that runs away by more than NTP would is a jump, however often it is
// looked at.
func TestAClockThatRunsAwayIsAJump(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var c SystemClock
	c.agreed.wall = start
	for steady := time.Duration(0); steady < rebase; steady += time.Minute {
		if c.read(start.Add(steady+steady/4), steady).Steady != nil {
			return
		}
	}
	t.Error("a quarter of an hour in an hour is taken for a correction")
}
