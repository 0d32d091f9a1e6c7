package engine

import (
	"sync"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// SystemClock is the host's wall clock, watched by the monotonic one. Safe for
// concurrent use. Its zero value is ready.
type SystemClock struct {
	mu    sync.Mutex
	start time.Time // of the monotonic readings below

	agreed struct { // the last time at which both clocks were taken for right
		wall   time.Time
		steady time.Duration
	}
	jumped *time.Duration // when the wall clock last left the monotonic one; nil if never
}

// rebase is how often the comparison of the two clocks starts again, so that
// the slow corrections of NTP (at most 500 ppm, MAXFREQ of RFC 5905) never add
// up to what looks like a jump.
const rebase = time.Hour

// Now reads the clocks. On Linux the monotonic clock stands still while the
// host is suspended, so a suspend counts as a jump, too.
func (c *SystemClock) Now() rotation.Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.start.IsZero() {
		c.start = now
		c.agreed.wall = now.Round(0)
	}
	return c.read(now.Round(0), now.Sub(c.start)) // Round(0) leaves the wall clock alone
}

// read compares the two clocks at one moment.
func (c *SystemClock) read(wall time.Time, steady time.Duration) rotation.Clock {
	ran := steady - c.agreed.steady
	jump := (wall.Sub(c.agreed.wall) - ran).Abs() > rotation.Skew
	// guard 8: the jump is seen
	if jump {
		c.jumped = &steady
	}
	if jump || ran > rebase {
		c.agreed.wall, c.agreed.steady = wall, steady
	}
	reading := rotation.Clock{Wall: wall}
	if c.jumped != nil {
		ago := steady - *c.jumped
		reading.Steady = &ago
	}
	return reading
}
