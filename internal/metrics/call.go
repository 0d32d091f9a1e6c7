package metrics

import (
	"cmp"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// Calls counts the calls of the store that the config calls so. It is a
// stores.Count.
func (m *Metrics) Calls(store string) func(operation string, took time.Duration, err error) {
	return func(operation string, took time.Duration, err error) {
		m.seconds.WithLabelValues(store, operation).Observe(took.Seconds())
		m.calls.WithLabelValues(store, operation, cmp.Or(providers.Kind(err), "ok")).Inc()
	}
}
