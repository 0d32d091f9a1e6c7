package scheduler

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// There are two clocks. Deadlines are wall times of the engine's clock, because they stand for wall times: a due date,
// the end of a grace. They carry no monotonic reading. Go compares two times with such a reading by it alone, so the
// heap would have two orders. The scheduler sleeps by the monotonic clock, which on Linux stands still while the host
// is suspended. So it never sleeps longer than maxSleep before it compares the deadlines with the wall clock again:
//
//   - After a suspend, or when the wall clock is set forward, what has become
//     due is looked at within maxSleep.
//   - When the wall clock is set back, deadlines move back with it. A key is
//     then looked at early rather than late, and its pass decides anew.
//
// robfig/cron's runner sleeps until its next firing, whatever the wall clock does meanwhile. So the scheduler starts
// it again when the two clocks have parted. The runner then counts from the right time, and the scheduler fires what
// the step has skipped.
const maxSleep = time.Minute

// A watch compares the wall clock with the monotonic one between two looks.
type watch struct{ wall, steady time.Time }

// step is how far the wall clock was set since the last call: forward is above
// 0, and a suspend looks the same. steady has a monotonic reading.
func (w *watch) step(wall, steady time.Time) time.Duration {
	last := *w
	*w = watch{wall, steady}
	if last.wall.IsZero() {
		return 0
	}
	return apart(wall.Sub(last.wall), steady.Sub(last.steady))
}

// apart is by how much more the wall clock went on than the monotonic one.
// Below a second it is the clock being slewed, and changes nothing here.
func apart(wall, steady time.Duration) time.Duration {
	if d := wall - steady; d.Abs() >= time.Second {
		return d
	}
	return 0
}

// follow adapts all plans to a step of the wall clock.
func (s *Scheduler) follow(step time.Duration) {
	if step == 0 {
		return
	}
	// The runner is waited for: its jobs need the lock, and only plan.
	<-s.cron.Stop().Done()
	s.cron.Start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if step < 0 {
		s.tell(Notice{Of: ClockSetBack, For: -step})
		for _, k := range s.keys { // their order stays, so the heap stays one
			k.shift(-step)
		}
		return
	}
	s.tell(Notice{Of: ClockSetForward, For: step})
	now := s.now()
	for _, f := range s.firings {
		if at := f.schedule.Next(now.Add(-step)); !at.IsZero() && !at.After(now) {
			s.fired(f, at)
		}
	}
}

// onClock is a schedule as the runner has to see it: the runner reads the
// host's clock, and firings come when the engine's clock shows them.
type onClock struct {
	schedule rotation.Schedule
	now      func() time.Time // of the engine
}

// Next implements cron.Schedule. The runner always asks for the next firing from now on. The scheduler reads the two
// clocks one after the other. The moment between the two does not count as a difference.
func (c onClock) Next(time.Time) time.Time {
	now := c.now()
	ahead := time.Until(now).Round(time.Second)
	at := c.schedule.Next(now)
	if at.IsZero() {
		return at
	}
	return at.Add(-ahead)
}
