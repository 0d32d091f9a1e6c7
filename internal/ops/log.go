package ops

import (
	"context"
	"log/slog"
	"strings"

	"github.com/keyrotate/rotate/rotation/engine"
)

// logEvent writes an event as a line "audit" with the members of engine.Event, at
// the event's own time. A refusal is a warning.
func logEvent(log *slog.Logger, ev engine.Event) {
	ctx, level := context.Background(), slog.LevelInfo
	if ev.Action == engine.Refuse {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("key", ev.Key), slog.String("store", ev.Store), slog.String("secret", ev.Secret), slog.String("action", ev.Action)}
	for _, o := range []struct{ name, value string }{
		{"kid", ev.Kid}, {"from", string(ev.From)}, {"to", string(ev.To)},
		{"revision", ev.Revision}, {"kids", strings.Join(ev.Kids, " ")}, {"how", ev.How},
		{"code", string(ev.Code)}, {"reason", ev.Reason}, {"actor", ev.Actor},
	} {
		if o.value != "" {
			attrs = append(attrs, slog.String(o.name, o.value))
		}
	}
	if ev.Generation > 0 {
		attrs = append(attrs, slog.Uint64("generation", ev.Generation))
	}
	if ev.Until != nil {
		attrs = append(attrs, slog.Time("until", *ev.Until))
	}
	line := slog.NewRecord(ev.Time, level, "audit", 0)
	line.AddAttrs(attrs...)
	_ = log.Handler().Handle(ctx, line) // a log that cannot be written has nowhere to say so
}
