package sim

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// A host has a wall clock that can be wrong and a monotonic one that stands
// still while the host is suspended.
type host struct {
	offset    time.Duration // of the wall clock
	suspended time.Duration // so far
	until     time.Time     // suspended until then
}

// watch is what engine.SystemClock does, on the clocks of a host.
type watch struct {
	wall   time.Time // when both clocks last agreed
	steady time.Duration
	jumped *time.Duration
}

const rebase = time.Hour

func (c *watch) read(wall time.Time, steady time.Duration) rotation.Clock {
	if c.wall.IsZero() {
		c.wall, c.steady = wall, steady
	}
	ran := steady - c.steady
	jump := (wall.Sub(c.wall) - ran).Abs() > rotation.Skew
	if jump {
		c.jumped = &steady
	}
	if jump || ran > rebase {
		c.wall, c.steady = wall, steady
	}
	reading := rotation.Clock{Wall: wall}
	if c.jumped != nil {
		ago := steady - *c.jumped
		reading.Steady = &ago
	}
	return reading
}
