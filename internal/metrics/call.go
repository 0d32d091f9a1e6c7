package metrics

import (
	"errors"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// results is the word for each kind of failure.
var results = []struct {
	kind error
	word string
}{
	{providers.ErrNotFound, "not_found"}, {providers.ErrConflict, "conflict"}, {providers.ErrUnreadable, "unreadable"},
	{providers.ErrUnclear, "unclear"}, {providers.ErrDenied, "denied"}, {providers.ErrThrottled, "throttled"},
	{providers.ErrUnavailable, "unavailable"}, {providers.ErrTooLarge, "too_large"}, {providers.ErrBadName, "bad_name"},
	{providers.ErrUnsafe, "unsafe"},
}

// Calls counts the calls of the store that the config calls so. It is a
// stores.Count.
func (m *Metrics) Calls(store string) func(operation string, took time.Duration, err error) {
	return func(operation string, took time.Duration, err error) {
		m.seconds.WithLabelValues(store, operation).Observe(took.Seconds())
		m.calls.WithLabelValues(store, operation, result(err)).Inc()
	}
}

func result(err error) string {
	if err == nil {
		return "ok"
	}
	for _, r := range results {
		if errors.Is(err, r.kind) {
			return r.word
		}
	}
	return "other"
}
