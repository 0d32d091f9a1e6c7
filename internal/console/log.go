package console

import (
	"log/slog"
	"time"

	"github.com/keyrotate/rotate/internal/journal"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
)

// The formats of a log beside text and json.
const (
	LogAuto = "auto" // text on a terminal and in the journal, json elsewhere
	LogNone = "none"
)

// readable writes durations as people do, not in nanoseconds.
func readable(_ []string, attr slog.Attr) slog.Attr {
	switch d := attr.Value.Any().(type) {
	case time.Duration:
		attr.Value = slog.StringValue(rotation.Duration(d).String())
	case rotation.Duration:
		attr.Value = slog.StringValue(d.String())
	}
	return attr
}

// Logger writes to standard error in a format.
func (c *Console) Logger(format string) (*slog.Logger, error) {
	if format == LogAuto {
		format = "json"
		if c.Voice.Terminal || c.Voice.Journal {
			format = "text"
		}
	}
	options := &slog.HandlerOptions{ReplaceAttr: readable}
	switch {
	case format == "text" && c.Voice.Journal:
		return slog.New(journal.Text(c.Voice, options)), nil
	case format == "json" && c.Voice.Journal:
		return slog.New(journal.JSON(c.Voice, options)), nil
	}
	switch format {
	case LogNone:
		return slog.New(slog.DiscardHandler), nil
	case "text":
		return slog.New(slog.NewTextHandler(c.Voice, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.Voice, options)), nil
	}
	return nil, usage.New("--log-format: text, json, auto or none")
}
