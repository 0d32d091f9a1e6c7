package main

import (
	"context"
	"log/slog"

	"github.com/keyrotate/rotate/rotation/engine"
)

// recorded keeps each event in the audit file, if the config names one, and
// counts it. What cannot be kept is an alarm: nothing waits for it, and the log
// has the event.
func (a *app) recorded(next func(engine.Event)) func(engine.Event) {
	return func(ev engine.Event) {
		err := a.trail.Write(ev)
		if a.metrics != nil {
			a.metrics.Event(ev)
		}
		next(ev)
		if err == nil {
			return
		}
		switch {
		case a.metrics != nil:
			a.metrics.AuditFailed()
			a.alarm(err)
		case !a.lost.Swap(true): // a command says it once, and ends with 3
			a.alarm(err)
		}
	}
}

// command tells that a person or a job asked for something, before it is tried.
// The words are this program's own: arguments may be secrets.
func (a *app) command(eng *engine.Engine, k *key, words string) {
	eng.Audit(engine.Event{
		Time: a.now().UTC(), Key: k.Name, Store: k.StoreName, Secret: k.Secret,
		Action: "command", Reason: words, Actor: a.actor,
	})
}

// auditTo writes each event as a line "audit" with the members of engine.Event,
// at the event's own time. A refusal is a warning.
func auditTo(log *slog.Logger) func(engine.Event) {
	return func(ev engine.Event) {
		level := slog.LevelInfo
		if ev.Action == "refuse" {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("key", ev.Key), slog.String("store", ev.Store), slog.String("secret", ev.Secret), slog.String("action", ev.Action)}
		for _, o := range []struct{ name, value string }{
			{"kid", ev.Kid}, {"from", string(ev.From)}, {"to", string(ev.To)},
			{"revision", ev.Revision}, {"reason", ev.Reason}, {"actor", ev.Actor},
		} {
			if o.value != "" {
				attrs = append(attrs, slog.String(o.name, o.value))
			}
		}
		if ev.Generation > 0 {
			attrs = append(attrs, slog.Uint64("generation", ev.Generation))
		}
		ctx := context.Background()
		if !log.Enabled(ctx, level) {
			return
		}
		line := slog.NewRecord(ev.Time, level, "audit", 0)
		line.AddAttrs(attrs...)
		_ = log.Handler().Handle(ctx, line) // a log that cannot be written has nowhere to say so
	}
}
