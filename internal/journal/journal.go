// Package journal writes lines for the journal of systemd, where each line can
// carry its priority: sd-daemon(3) takes a prefix <N> off the line and keeps N, so
// that `journalctl -p warning` and colours work.
package journal

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// Stderr reports whether standard error of this process goes to the journal, as
// systemd.exec(5) tells by $JOURNAL_STREAM. A process that was given another
// standard error than its parent's is not misled by the variable.
func Stderr() bool {
	is, err := journal.StderrIsJournalStream()
	return is && err == nil
}

// Lines gives each line of a text the priority of a level.
func Lines(level slog.Level, text string) string {
	prefix := priority(level)
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix)
}

// priority is the prefix of a level: the numbers of syslog(3).
func priority(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "<3>"
	case level >= slog.LevelWarn:
		return "<4>"
	case level >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}

// Text writes records as people read them in the journal: the message, then what
// belongs to it as name=value. Time and level are left out, since the journal shows
// its own. It is safe for concurrent use, as every slog.Handler is.
func Text(w io.Writer, options *slog.HandlerOptions) slog.Handler {
	o := *options
	replace := o.ReplaceAttr
	o.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
		_, level := attr.Value.Any().(slog.Level)
		if len(groups) == 0 && (level || attr.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		if replace != nil {
			attr = replace(groups, attr)
		}
		return attr
	}
	out := &output{w: w, message: true}
	return &handler{out, slog.NewTextHandler(&out.buf, &o)}
}

// JSON writes records as slog.JSONHandler does. The journal keeps the priority and
// shows the rest, which is JSON and nothing else.
func JSON(w io.Writer, options *slog.HandlerOptions) slog.Handler {
	out := &output{w: w}
	return &handler{out, slog.NewJSONHandler(&out.buf, options)}
}

// output is where handlers that come of one another write to.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer // what the inner handler made of one record
	w       io.Writer
	message bool // the inner handler leaves the message out
}

type handler struct {
	out   *output
	inner slog.Handler // writes to out.buf
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.out, h.inner.WithAttrs(attrs)}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.out, h.inner.WithGroup(name)}
}

// Handle writes a record with one call, so that lines of several processes do not mix.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.buf.Reset()
	if h.out.message {
		r.Time = time.Time{} // a handler leaves out a time that is zero
	}
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	line := strings.TrimRight(h.out.buf.String(), "\n")
	if h.out.message {
		line = strings.TrimRight(r.Message+" "+line, " ")
	}
	_, err := io.WriteString(h.out.w, Lines(r.Level, line)+"\n")
	return err
}
