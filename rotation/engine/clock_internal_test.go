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
	var c SystemClock
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.agreed.wall = start
	for steady := time.Duration(0); steady < 5*365*24*time.Hour; steady += time.Hour {
		drift := steady / 2000 // 500 ppm
		if c.read(start.Add(steady+drift), steady).Steady != nil {
			t.Fatalf("after %s a drift of %s is taken for a jump", steady, drift)
		}
	}
}
