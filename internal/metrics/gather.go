package metrics

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/keyrotate/rotate/internal/live"
)

// A gatherer measures keys when it is asked, beside what the registry counts, so
// that a key that has left the config leaves no series behind.
//
// It writes the registry's data model by itself: as a prometheus.Collector, 25
// series of 10,000 keys were made, described, copied and compared one by one,
// which took three times the time and the memory.
type gatherer struct {
	registry prometheus.Gatherer
	keys     func() iter.Seq[live.Key]
}

// errBug is what a scrape is answered with instead of a panic, whose value could
// be key material.
var errBug = errors.New("a bug in rotate, please report it: a panic while measuring keys")

// Gather implements prometheus.Gatherer.
func (g *gatherer) Gather() (all []*dto.MetricFamily, err error) {
	defer func() {
		if recover() != nil {
			all, err = nil, errBug
		}
	}()
	all, err = g.registry.Gather()
	for _, f := range measured(g.keys()) {
		if len(f.Metric) > 0 {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, err
}

// measured is every family with its series, in the order of the keys.
func measured(keys iter.Seq[live.Key]) []*dto.MetricFamily {
	of := make([]*dto.MetricFamily, len(families))
	for i, f := range families {
		of[i] = &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: dto.MetricType_GAUGE.Enum()}
	}
	known, one := pairs{}, &sample{}
	for k := range keys {
		*one = sample{k, k.Status()}
		key, store := pair("key", k.Key), known.pair("store", k.Store)
		for i, f := range families {
			f.of(one, func(value float64, label ...string) {
				s := &series{value: value, labels: [3]*dto.LabelPair{key, store}}
				n := 2
				if f.label != "" {
					s.labels, n = [3]*dto.LabelPair{key, known.pair(f.label, label[0]), store}, 3
				}
				of[i].Metric = append(of[i].Metric, s.gauge(n))
			})
		}
	}
	return of
}

// A series is one value in the parts that the data model wants, in one piece.
type series struct {
	metric dto.Metric
	parts  dto.Gauge
	value  float64
	labels [3]*dto.LabelPair
}

// gauge is the series with its first n labels.
func (s *series) gauge(n int) *dto.Metric {
	s.parts.Value = &s.value
	s.metric.Gauge, s.metric.Label = &s.parts, s.labels[:n]
	return &s.metric
}

// pairs are the labels that many series share.
type pairs map[[2]string]*dto.LabelPair

func (known pairs) pair(name, value string) *dto.LabelPair {
	id := [2]string{name, value}
	if known[id] == nil {
		known[id] = pair(name, value)
	}
	return known[id]
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }
