package scheduler

import "time"

// Two clocks are at work. Deadlines are wall times, of the engine's clock,
// because what they stand for is: a due date, the end of a grace. They carry no
// monotonic reading: Go compares two times that have one by it alone, and then
// the heap would have two orders. Sleeping goes by the monotonic clock, which
// on Linux stands still while the host is suspended. So the scheduler never
// sleeps longer than maxSleep before it compares deadlines with the wall clock
// again:
//
//   - After a suspend, or when the wall clock is set forward, what has become
//     due is looked at within maxSleep.
//   - When the wall clock is set back, deadlines move back with it. A key is
//     then looked at early rather than late, and its pass decides anew.
//
// robfig/cron sleeps through all of that until its next firing, which is why a
// firing is never the only thing that makes a key due.
const maxSleep = time.Minute

// A watch compares the wall clock with the monotonic one between two looks.
type watch struct{ wall, steady time.Time }

// setBack is how far the wall clock was set back since the last call, 0 or
// more. steady has a monotonic reading.
func (w *watch) setBack(wall, steady time.Time) time.Duration {
	last := *w
	*w = watch{wall, steady}
	if last.wall.IsZero() {
		return 0
	}
	return fellBehind(wall.Sub(last.wall), steady.Sub(last.steady))
}

// fellBehind is by how much less the wall clock went on than the monotonic one.
// Below a second it is the clock being slewed, and changes nothing here.
func fellBehind(wall, steady time.Duration) time.Duration {
	if d := steady - wall; d >= time.Second {
		return d
	}
	return 0
}
