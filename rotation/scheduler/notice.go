package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/rotation"
)

// A Notice is something that a person should know. What a pass changed is an event of the engine.
type Notice struct {
	Of       News
	State    State         // of the key; zero for a clock that was set
	For      time.Duration // WellAgain: how long it was not; of a clock: by how much it was set
	Troubles int           // WellAgain: how many there were
	Omitted  int           // notices of the same kind and key that were left out before this one
}

// News is the kind of a Notice.
type News string

// The kinds of notices.
const (
	Panicked     News = "panicked"       // a pass did; the other keys go on
	Failed       News = "failed"         // a pass did, and is tried again
	CutShort     News = "cut_short"      // a pass was, by the shutdown; the next start goes on with it
	Halted       News = "halted"         // a person has to look
	Alarmed      News = "alarm"          // something is in the way of the key
	WellAgain    News = "well"           // after trouble
	ClockSetBack News = "clock_set_back" // by For, and what is planned with it

	ClockSetForward News = "clock_set_forward" // by For, or the host was suspended; what came due is done now
)

// quiet is how long a notice of a kind keeps further ones of its key back.
const quiet = time.Minute

// A limiter knows which kinds of notices a key has given. Whether two are the same
// goes by their kind: ages, counts and request ids would differ each time.
type limiter map[News]*spoken

type spoken struct {
	at      time.Time // with a monotonic reading, so that no clock change silences a key
	omitted int       // notices since then
}

// admits tells whether a notice of a kind may be given now, and how many were
// left out before it.
func (l *limiter) admits(kind News, now time.Time) (omitted int, ok bool) {
	if *l == nil {
		*l = limiter{}
	}
	said := (*l)[kind]
	switch {
	case said == nil:
		said = &spoken{}
		(*l)[kind] = said
	// guard incident 10: lines of a kind are logged once a minute
	case now.Sub(said.at) < quiet:
		said.omitted++
		return 0, false
	}
	omitted = said.omitted
	*said = spoken{at: now}
	return omitted, true
}

// report tells how a pass ended, if a person should know. ctx is what passes run under.
func (s *Scheduler) report(ctx context.Context, lines *limiter, before, after State) {
	n := Notice{State: after}
	_, isBug := errors.AsType[*bug.Panic](after.Err)
	switch {
	case isBug:
		n.Of = Panicked
	case after.Err != nil && ctx.Err() != nil:
		n.Of = CutShort
	case after.Err != nil:
		n.Of = Failed
	case after.Step.Do == rotation.Halt:
		n.Of = Halted
	case len(after.Step.Alarms) > 0:
		n.Of = Alarmed
	case before.Troubles > 0:
		n.Of, n.For, n.Troubles = WellAgain, after.Ended.Sub(before.Since), before.Troubles
	default:
		return
	}
	var ok bool
	if n.Omitted, ok = lines.admits(n.Of, time.Now()); ok {
		s.tell(n)
	}
}
