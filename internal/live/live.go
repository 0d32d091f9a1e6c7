// Package live says how a daemon's keys are, from what their last passes saw:
// metrics, health checks and the published public keys ask no store.
package live

import (
	"errors"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// A Key is one key of a daemon at one moment. It is not to be changed.
type Key struct {
	scheduler.State
	Facts status.Facts // as `rotate status` has them, with the last pass in place of a look
}

// Of puts together what the config and the last pass say of a key. Facts brings
// Target, Location, Late, Warnings and Algorithm.
func Of(now time.Time, f status.Facts, s scheduler.State) Key {
	f.Now, f.Result, f.Err = now, s.Result, s.Err
	readable := s.Result.Left.Revisions
	f.Readable, f.Traces = &readable, s.Result.Traces
	switch {
	case s.Ended.IsZero():
		f.Err = status.ErrUnread
	case s.Err != nil, s.Set != nil && s.Step.Why.Code == rotation.StaleRead && s.Step.Why.Whose == rotation.ThisProcess:
		f.Result.Set = s.Set // what is known of it still holds
	}
	return Key{State: s, Facts: f}
}

// later is a reading of the clocks as it would be at now.
func later(c rotation.Clock, now time.Time) rotation.Clock {
	by := now.Sub(c.Wall)
	c.Wall = now
	if !c.Service.IsZero() {
		c.Service = c.Service.Add(by)
	}
	if c.Steady != nil {
		ran := *c.Steady + by
		c.Steady = &ran
	}
	return c
}

// Status is the key's part of a report.
//
// A pass may have ended long ago. What has come due since then shows as it does
// to a command that looks: as a step to take.
func (k *Key) Status() status.Key {
	f := k.Facts
	if r := f.Result; f.Err == nil && r.Set != nil {
		step := rotation.Plan(f.Target.Policy, rotation.Facts{Set: r.Set, Outputs: r.Outputs, Clock: later(r.Clock, f.Now)})
		// guard incident 22: what came due since the last pass shows
		if step.Do != rotation.Wait {
			f.Result.Step = step
		}
	}
	return status.Of(f)
}

// Due is when the schedule wants another key to sign; zero if no keyset is
// known, or if it never does.
func (k *Key) Due() time.Time {
	if k.Set == nil {
		return time.Time{}
	}
	return rotation.Outlook{Policy: k.Facts.Target.Policy, Set: k.Set}.Due()
}

// Overdue is for how long a rotation has been due that has not happened. A
// daemon that was down for long needs the propagation to catch up, so that much
// is no trouble by itself.
func (k *Key) Overdue() time.Duration {
	if due := k.Due(); !due.IsZero() {
		return max(0, k.Facts.Now.Sub(due))
	}
	return 0
}

// Expired counts the previous keys that should have been removed.
func (k *Key) Expired() (n int) {
	if k.Set == nil {
		return 0
	}
	for _, p := range k.Set.Previous() {
		look := rotation.Outlook{Policy: k.Facts.Target.Policy, Set: k.Set}
		if at := look.Removed(p); !at.IsZero() && k.Facts.Now.After(at) {
			n++
		}
	}
	return n
}

// Apart is by how much this host's clock was ahead of the store's at the last
// look; ok is false where the store tells no time.
func (k *Key) Apart() (d time.Duration, ok bool) {
	c := k.Result.Clock
	if c.Service.IsZero() {
		return 0, false
	}
	return c.Wall.Sub(c.Service), true
}

// Fresh is how long a copy of the public keys may still be used: until what was
// read is a propagation old, and no longer than until something is planned to
// change. 0 if it has to be asked for again each time.
func (k *Key) Fresh() time.Duration {
	left := k.State.Read.Add(k.Facts.Target.Policy.Propagation).Sub(k.Facts.Now)
	if at := k.Result.Step.At; !at.IsZero() {
		left = min(left, at.Sub(k.Facts.Now))
	}
	if k.Err != nil || k.Result.Step.Do == rotation.Halt {
		return 0
	}
	return max(0, left).Truncate(time.Second)
}

// ErrUnknown is where nobody can tell what comes: the key halted, its store failed, or shows less than is known of it.
var ErrUnknown = errors.New("nobody can tell what comes before a person has looked, or the store can be read again")

// Lives is the dates of the keys that are or were, as far as they are known, and of those that come until a time, if all
// goes well from now on. With an error, ErrUnknown or that of a Forecast, those to come are missing from some point on.
func (k *Key) Lives(until time.Time) ([]rotation.Life, error) {
	r := k.Facts.Result
	look := rotation.Outlook{Policy: k.Facts.Target.Policy, Set: r.Set}
	if k.Facts.Err != nil || r.Step.Do == rotation.Halt || r.Step.Why.Code == rotation.StaleRead {
		look.Set = k.Set // the last one that could be trusted
		return look.Lives(nil), ErrUnknown
	}
	steps, err := rotation.Forecast(look.Policy, rotation.Facts{Set: r.Set, Removed: r.Removed, Outputs: r.Outputs, Clock: rotation.Clock{Wall: k.Facts.Now}}, until)
	return look.Lives(steps), err
}
