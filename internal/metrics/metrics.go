// Package metrics is what a daemon counts and measures, for Prometheus.
//
// Every label is a name from the config (key, store, output) or one of a few
// words of this package, so there are as many series as the config has parts.
// Nothing asks a store: what is measured is what the last passes saw.
package metrics

import (
	"iter"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Metrics has a registry of its own. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	keys     func() iter.Seq[live.Key]

	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	events  *prometheus.CounterVec

	connections prometheus.Gauge
	cuts        *prometheus.CounterVec

	told          *prometheus.CounterVec
	auditFailures prometheus.Counter
	reloadOK      prometheus.Gauge
	reloadAt      prometheus.Gauge
}

// New returns Metrics of a daemon of this version, whose keys are what keys
// returns at the time of a scrape.
func New(version string, keys func() iter.Seq[live.Key]) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		keys:     keys,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rotate_store_calls_total", Help: "Calls of stores, by operation and how they ended.",
		}, []string{"store", "operation", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rotate_store_call_duration_seconds", Help: "How long calls of stores took.",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"store", "operation"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rotate_key_events_total", Help: "Transitions, marks, erasures and refusals of this process, as in its audit lines.",
		}, []string{"key", "store", "action"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rotate_http_connections", Help: "Connections to the endpoints that are open.",
		}),
		cuts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rotate_http_connections_cut_total", Help: "Connections that were closed so that others are answered, by what they did.",
		}, []string{"reason"}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rotate_audit_failures_total", Help: "Events that could not be written to the audit file.",
		}),
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rotate_notifications_total", Help: "Notifications by receiver and what came of them: events that were sent, attempts that failed, events that are lost.",
		}, []string{"receiver", "result"}),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rotate_config_last_reload_successful", Help: "1 if the config was taken when it was read last, 0 if it was refused and the old one kept.",
		}),
		reloadAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rotate_config_last_reload_success_timestamp_seconds", Help: "When a config was taken last.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rotate_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.calls, m.seconds, m.events, m.connections, m.cuts, m.told, m.auditFailures, m.reloadOK, m.reloadAt, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves the metrics. Whoever calls it limits how many ask at once.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(&gatherer{m.registry, m.keys}, promhttp.HandlerOpts{})
}

// Event counts what an engine did.
func (m *Metrics) Event(ev engine.Event) {
	m.events.WithLabelValues(ev.Key, ev.Store, ev.Action).Inc()
}

// Connections counts those to the endpoints that are open: by more than before.
func (m *Metrics) Connections(by int) { m.connections.Add(float64(by)) }

// ConnectionCut counts one that was closed for the sake of others. The reason is
// one of package serve's.
func (m *Metrics) ConnectionCut(reason string) { m.cuts.WithLabelValues(reason).Inc() }

// AuditFailed counts an event that the audit file does not have.
func (m *Metrics) AuditFailed() { m.auditFailures.Inc() }

// Notified counts what came of notifications.
func (m *Metrics) Notified(receiver, result string, n int) {
	m.told.WithLabelValues(receiver, result).Add(float64(n))
}

// Reloaded notes that the config was read, and whether it was taken.
func (m *Metrics) Reloaded(now time.Time, taken bool) {
	if !taken {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadAt.Set(float64(now.Unix()))
}
