package say

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/status"
)

// What is due in a pause is not told to happen then.
func TestUpcomingInAPause(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	due := now.Add(24 * time.Hour)
	k := status.Key{Key: "k", Due: &due}
	for held, until := range map[bool]time.Time{false: due, true: due.Add(time.Hour)} {
		k.Paused = &status.Pause{Until: until}
		if text := Upcoming(k, now); strings.Contains(text, "a pause holds it back") != held || strings.Contains(text, "begins to sign") == held {
			t.Errorf("paused until %s: %s", until, text)
		}
	}
}
