package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/rotation"
)

// quiet is how long a line of a kind keeps further ones of its key from the log.
const quiet = time.Minute

// A limiter knows which kinds of lines a key has logged. Whether two lines are
// the same goes by their kind, not by their text: texts hold ages, counts and
// request ids, and would differ each time.
type limiter map[string]*spoken

type spoken struct {
	at      time.Time // with a monotonic reading, so that no clock change silences a key
	omitted int       // lines since then
}

// admits tells whether a line of a kind may be logged now, and how many were
// left out before it.
func (l *limiter) admits(kind string, now time.Time) (omitted int, ok bool) {
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

// report logs how a pass ended, if a person should know. What it changed is an
// event of the engine. ctx is done if the scheduler has cancelled the pass to
// stop in time: that is no failure of the key.
func (s *Scheduler) report(ctx context.Context, lines *limiter, before, after State) {
	level, msg := slog.LevelWarn, ""
	attrs := []any{"environment", after.Environment, "key", after.Key, "store", after.Store}
	caught, isBug := errors.AsType[*bug.Panic](after.Err)
	switch {
	case isBug:
		level, msg = slog.LevelError, "a pass panicked; the other keys go on"
		attrs = append(attrs, "error", after.Err, "stack", caught.Stack)
	case after.Err != nil && ctx.Err() != nil:
		level, msg = slog.LevelInfo, "rotate stops, so the pass in hand was cut short; the next start goes on from what is stored"
		attrs = append(attrs, "error", after.Err)
	case after.Err != nil:
		msg = "a pass failed and is tried again"
		attrs = append(attrs, "error", after.Err)
	case after.Step.Do == rotation.Halt:
		level, msg = slog.LevelError, "the key halted: a person has to look"
		attrs = append(attrs, "why", after.Step.Why)
	case after.Step.Alarm != "":
		msg = "something is in the way of the key"
		attrs = append(attrs, "alarm", after.Step.Alarm)
	case before.Troubles > 0:
		level, msg = slog.LevelInfo, "the key is well again"
		attrs = append(attrs, "after", rotation.Duration(after.Ended.Sub(before.Since)), "troubles", before.Troubles)
	default:
		return
	}
	omitted, ok := lines.admits(msg, time.Now())
	if !ok {
		return
	}
	if after.Troubles > 0 && ctx.Err() == nil {
		attrs = append(attrs, "next_look", rotation.Duration(after.Next.Sub(after.Ended)), "troubles", after.Troubles)
	}
	if omitted > 0 {
		attrs = append(attrs, "omitted", omitted)
	}
	s.log.Log(ctx, level, msg, attrs...)
}
