package rotation

import "time"

// A Clock is what is known of the time at one moment. A wait starts at its
// latest reading and ends at its earliest, so a wrong clock only makes waits
// longer. While the readings are further apart than Skew, rotate does nothing
// that cannot be taken back.
type Clock struct {
	Wall    time.Time // the host's clock
	Service time.Time // the store's clock; zero if it has none

	// Steady is how long ago the wall clock jumped against the monotonic one, by
	// the monotonic clock; nil if it did not. A wait that was under way then is
	// over once this process has run through all of it.
	Steady *time.Duration
}

// Early is the least that the time can be.
func (c Clock) Early() time.Time {
	// guard 8: the end of a wait takes the earlier clock
	if !c.Service.IsZero() && c.Service.Before(c.Wall) {
		return c.Service
	}
	return c.Wall
}

// late is the most that the time can be, in whole seconds.
func (c Clock) late() time.Time {
	if c.Service.After(c.Wall) {
		return roundUp(c.Service)
	}
	return roundUp(c.Wall)
}

// stamp is the time of a step that does not wait until the clocks agree. While
// they disagree it is the store's time, which everyone shares. After a date in
// the future, no other host would trust its own clock until then.
func (c Clock) stamp() time.Time {
	// guard 8: what cannot wait for the clocks to agree carries the store's time
	if c.apart() {
		return roundUp(c.Service)
	}
	return c.late()
}

// apart tells whether the two clocks cannot both be right.
func (c Clock) apart() bool {
	return !c.Service.IsZero() && c.Wall.Sub(c.Service).Abs() > Skew
}

// roundUp is t in whole seconds: a mark must not be rounded into the past.
func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}

// doubt says why the time cannot be trusted for a promotion or a deletion; zero if
// it can. newest is the latest time that the document attests, longest the longest
// wait that may be under way.
func (c Clock) doubt(newest time.Time, longest time.Duration) Reason {
	switch {
	// guard 8: clocks that disagree stop everything
	case c.apart():
		return Reason{Code: ClocksApart, At: c.Wall, For: c.Wall.Sub(c.Service)}
	// guard 8: a clock behind the document is wrong
	case newest.Sub(c.Early()) > Skew:
		return Reason{Code: ClockBehind, At: newest, For: newest.Sub(c.Wall)}
	// guard 8: a jump counts only whole waits
	case c.Service.IsZero() && c.Steady != nil && *c.Steady < longest:
		return Reason{Code: ClockJumped, At: c.Wall.Add(longest - *c.Steady), For: *c.Steady}
	}
	return Reason{}
}
