package rotation

import "time"

// Skew is how far the clocks of hosts, stores and applications may differ.
const Skew = 5 * time.Minute

// A Schedule tells the first time after t at which a rotation should happen.
// The zero time means never. Cron schedules come from scheduler.Parse:
// robfig/cron's own lose firings to summer time, and drift if they are
// "@every".
type Schedule interface {
	Next(t time.Time) time.Time
}

// Every is the schedule "this long after the current key began to sign". It is
// anchored to that stored time, so a restart does not move it.
type Every time.Duration

// Next adds the period to t, which has to be the time the key began to sign.
func (e Every) Next(t time.Time) time.Time { return t.Add(time.Duration(e)) }

// Manual is the schedule of a key that is rotated only when someone asks.
type Manual struct{}

// Next is never.
func (Manual) Next(time.Time) time.Time { return time.Time{} }

// A Policy is how one key is rotated.
type Policy struct {
	Schedule    Schedule
	Grace       time.Duration // G: how long a previous key verifies after its successor was seen everywhere
	Propagation time.Duration // P: the longest time until every reader has what was written
	TokenTTL    time.Duration // longest life of a token; 0 if not told
	Jitter      time.Duration // this key's own share of the window over which keys of one schedule spread
	Window      Window        // when a key may begin to sign without being asked to
}

// Skew is how far clocks may differ in a wait: Skew, or 0 where the propagation
// is 0, because nothing waits there.
func (p Policy) Skew() time.Duration {
	if p.Propagation == 0 {
		return 0
	}
	return Skew
}

// Lead is how long before due the next key is published: its wait, and one
// more skew for the calls that publish it.
func (p Policy) Lead() time.Duration { return p.Propagation + 2*p.Skew() }

// MinPeriod is the shortest time between two firings: each rotation has to be
// over, and its old key retired, before the next one begins.
func (p Policy) MinPeriod() time.Duration { return p.Propagation + p.Grace + 2*p.Skew() }

// What a rotation asks of a store, in calls of Write and Erase: publish, ready, promote,
// settled and retire, and an erasure after each. An output is not told of the two marks.
const (
	WritesARotation = 10
	WritesAnOutput  = 6
)

// Mean is the mean time between the firings of a year from then on; 0 if there are not
// two of them.
func (p Policy) Mean(from time.Time) time.Duration {
	if p.Schedule == nil {
		return 0
	}
	first := p.Schedule.Next(from.UTC())
	last, n := first, 0
	for range 400 {
		t := p.Schedule.Next(last)
		if last.IsZero() || t.IsZero() || t.Sub(from) > 366*24*time.Hour && n > 0 {
			break
		}
		last, n = t, n+1
	}
	if n == 0 {
		return 0
	}
	return last.Sub(first) / time.Duration(n)
}

// Due is when the promotion after one at nbf should happen; zero if never.
func (p Policy) Due(nbf time.Time) time.Time {
	from := nbf
	if _, anchored := p.Schedule.(Every); !anchored {
		// Later than this firing, even if that one was early, by hand, or late.
		// guard 5: due is counted from the end of the last rotation
		from = nbf.Add(p.Grace + p.Propagation)
	}
	due := p.Schedule.Next(from.UTC())
	if due.IsZero() {
		return due
	}
	// guard incident 28: keys of one schedule are spread
	due = due.Add(p.Jitter)
	// A due date outside the window waits for its opening.
	due = p.opens(due)
	// guard incident 19: due is in whole seconds
	return due.UTC().Truncate(time.Second)
}

// LongestToken is the longest life of a token that this policy keeps valid: a
// token signed with the old key at the last moment before everyone had the new
// one must expire before the old key does.
func (p Policy) LongestToken() time.Duration {
	return max(0, p.Grace-p.Propagation-p.Skew())
}

// FitsToken checks the grace against the life of tokens: it has to be at least
// P + ttl + skew.
func (p Policy) FitsToken() (least time.Duration, ok bool) {
	least = p.Propagation + p.TokenTTL + p.Skew()
	return least, p.Grace >= least
}

// A GraceBounds is the range that a grace has to lie in.
type GraceBounds struct{ Min, Max time.Duration }

// DefaultGraceBounds is the overlap that is advised everywhere: long enough for
// caches, time zones and a night's sleep, short enough that a key stolen before
// a rotation soon is worthless.
var DefaultGraceBounds = GraceBounds{Min: 24 * time.Hour, Max: 48 * time.Hour}

// Hold tells whether a grace lies in the bounds.
func (b GraceBounds) Hold(grace time.Duration) bool { return grace >= b.Min && grace <= b.Max }

// PeriodAdvice is the longest period between rotations that is advised.
const PeriodAdvice = 180 * 24 * time.Hour

// A Rhythm is what the firings of a schedule are like.
type Rhythm struct {
	Never   bool          // it never fires
	Close   time.Time     // the first firing after which the next one comes before the rotation is over; zero if none does
	Gap     time.Duration // from there to that next one
	Longest time.Duration // between two firings
}

// Fits tells whether each rotation is over before the next one begins.
func (r Rhythm) Fits() bool { return !r.Never && r.Close.IsZero() }

// CheckSchedule checks the schedule's firings after from against the policy.
func (p Policy) CheckSchedule(from time.Time) (r Rhythm) {
	const firings = 400 // more than a year of daily ones
	last := p.Schedule.Next(from.UTC())
	if last.IsZero() {
		return Rhythm{Never: true}
	}
	for range firings {
		t := p.Schedule.Next(last)
		if t.IsZero() {
			break
		}
		if gap := t.Sub(p.opens(last)); gap < p.MinPeriod() {
			r.Close, r.Gap = last, gap
			break
		}
		r.Longest = max(r.Longest, t.Sub(last))
		if t.Sub(from) > 5*366*24*time.Hour {
			break
		}
		last = t
	}
	return r
}
