package say

import (
	"context"
	"errors"
	"log/slog"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Notices writes what a scheduler tells to a log.
func Notices(log *slog.Logger) func(scheduler.Notice) {
	return func(n scheduler.Notice) {
		level, msg, attrs := notice(n)
		if st := n.State; st.Key != "" {
			attrs = append([]any{"environment", st.Environment, "key", st.Key, "store", st.Store}, attrs...)
			if st.Troubles > 0 && n.Of != scheduler.CutShort {
				attrs = append(attrs, "next_look", rotation.Duration(st.Next.Sub(st.Ended)), "troubles", st.Troubles)
			}
		}
		if n.Omitted > 0 {
			attrs = append(attrs, "omitted", n.Omitted)
		}
		log.Log(context.Background(), level, msg, attrs...)
	}
}

// notice words one.
func notice(n scheduler.Notice) (level slog.Level, msg string, attrs []any) {
	st, about := n.State, Subject{n.State.Key, n.State.Store, n.State.Secret}
	switch n.Of {
	case scheduler.Panicked:
		attrs = []any{"error", Error(st.Err).String()}
		if caught, ok := errors.AsType[*bug.Panic](st.Err); ok {
			attrs = append(attrs, "stack", caught.Stack)
		}
		return slog.LevelError, "a pass panicked; the other keys go on", attrs
	case scheduler.Failed:
		return slog.LevelWarn, "a pass failed and is tried again", []any{"error", Error(st.Err).String(), "code", engine.StoreFailed(st.Err).Code}
	case scheduler.CutShort:
		return slog.LevelInfo, "rotate stops, so the pass in hand was cut short; the next start goes on from what is stored", []any{"error", Error(st.Err).String()}
	case scheduler.Halted:
		return slog.LevelError, "the key halted: a person has to look", []any{"why", Halt(st.Step.Why, about).String(), "code", st.Step.Why.Code}
	case scheduler.Alarmed:
		return slog.LevelWarn, "something is in the way of the key", []any{"alarm", Alarms(st.Step.Alarms, about, Plain), "codes", Codes(st.Step.Alarms)}
	case scheduler.WellAgain:
		return slog.LevelInfo, "the key is well again", []any{"after", rotation.Duration(n.For), "troubles", n.Troubles}
	case scheduler.ClockSetBack:
		return slog.LevelWarn, "the wall clock was set back, and what is planned with it", []any{"by", n.For}
	case scheduler.ClockSetForward:
		return slog.LevelWarn, "the wall clock was set forward, or the host was suspended; what came due meanwhile is done now", []any{"by", n.For}
	}
	return slog.LevelWarn, string(n.Of), nil
}

// Codes is the codes of some reasons.
func Codes(all []rotation.Reason) (list []rotation.Code) {
	for _, r := range all {
		list = append(list, r.Code)
	}
	return list
}

// Event fills in why something happened, or was refused, in words. Times in it are RFC 3339.
func Event(ev engine.Event) engine.Event {
	switch {
	case ev.Why.IsZero():
	case ev.Action == engine.Refuse:
		ev.Reason = Halt(ev.Why, Subject{ev.Key, ev.Store, ev.Secret}).String()
	default:
		ev.Reason = Why(ev.Why, Plain)
	}
	return ev
}
