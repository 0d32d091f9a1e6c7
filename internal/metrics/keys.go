package metrics

import (
	"errors"
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A sample is a key at the time of a scrape. Its status is planned once for all
// families.
type sample struct {
	live.Key
	status status.Key
}

// A family is one metric of keys. add is told each value with the labels that
// come after key and store.
type family struct {
	desc *prometheus.Desc
	of   func(k *sample, add func(value float64, labels ...string))
}

func keyFamily(name, help string, of func(*sample, func(float64, ...string)), labels ...string) family {
	return family{prometheus.NewDesc(name, help, append([]string{"key", "store"}, labels...), nil), of}
}

// families is every metric of keys. Times are absolute, as Prometheus advises:
// an age is `time() - x`.
var families = []family{
	keyFamily("rotate_key_state", "1 for the state that the key is in, as `rotate status` tells it.", ofState, "state"),
	keyFamily("rotate_key_attention", "1 if a person should look at the key: it halted, failed, is overdue, or something is in its way.", ofAttention),
	keyFamily("rotate_key_live", "Live keys in each status.", ofLive, "status"),
	keyFamily("rotate_key_generation", "Transitions in the life of the keyset.", ofGeneration),
	keyFamily("rotate_key_issued_timestamp_seconds", "When the key that signs was made.", ofIssued),
	keyFamily("rotate_key_signs_since_timestamp_seconds", "When the key that signs began to.", ofSigns),
	keyFamily("rotate_key_due_timestamp_seconds", "When the schedule wants another key to sign.", ofDue),
	keyFamily("rotate_key_overdue_seconds", "For how long a rotation has been due that has not happened, 0 if none is.", ofOverdue),
	keyFamily("rotate_key_propagation_seconds", "The propagation of the config: a catch-up takes at least that long.", ofPropagation),
	keyFamily("rotate_key_expired_previous", "Previous keys whose grace has ended and that still verify.", ofExpired),
	keyFamily("rotate_key_superseded_revisions", "Superseded revisions, in the store and the outputs, that can still be read.", ofLeft),
	keyFamily("rotate_key_erasure_failed", "1 if the last pass could not erase what was to go.", ofUnerased),
	keyFamily("rotate_key_last_pass_timestamp_seconds", "When the last pass of the key ended, however it did.", ofPassed),
	keyFamily("rotate_key_last_success_timestamp_seconds", "When the last pass ended that neither failed, halted nor raised an alarm.", ofWell),
	keyFamily("rotate_key_failures", "Passes in a row that failed, halted or raised an alarm.", ofTroubles),
	keyFamily("rotate_key_clock_difference_seconds", "By how much this host's clock was ahead of the store's at the last pass; absent where the store tells no time.", ofApart),
	keyFamily("rotate_output_lag_seconds", "For how long this process has known the output to be behind the store, 0 if it is not.", ofOutputs, "output"),
}

// A keyCollector measures keys when it is asked, so that a key that has left the
// config leaves no series behind.
type keyCollector struct{ keys func() iter.Seq[live.Key] }

// Describe implements prometheus.Collector.
func (c *keyCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, f := range families {
		descs <- f.desc
	}
}

// errBug is what a scrape is answered with instead of a panic: a registry recovers
// it, and would show its value, which could be key material, to whoever asks.
var errBug = errors.New("a bug in rotate, please report it: a panic while measuring keys")

// Collect implements prometheus.Collector.
func (c *keyCollector) Collect(metrics chan<- prometheus.Metric) {
	defer func() {
		if recover() != nil {
			metrics <- prometheus.NewInvalidMetric(families[0].desc, errBug)
		}
	}()
	for k := range c.keys() {
		one := &sample{k, k.Status()}
		for _, f := range families {
			f.of(one, func(v float64, labels ...string) {
				labels = append([]string{k.Key, k.Store}, labels...)
				metrics <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, v, labels...)
			})
		}
	}
}

type add = func(float64, ...string)

func ofState(k *sample, add add) {
	is := k.status.State
	for _, s := range status.States() {
		add(bit(s == is), string(s))
	}
}

func ofAttention(k *sample, add add) { add(bit(len(k.status.Attention) > 0)) }

func ofLive(k *sample, add add) {
	if k.Set == nil {
		return
	}
	count := map[keyset.Status]int{}
	for _, key := range k.Set.Keys {
		count[key.Status]++
	}
	for _, s := range []keyset.Status{keyset.Next, keyset.Current, keyset.Previous} {
		add(float64(count[s]), string(s))
	}
}

func ofGeneration(k *sample, add add) {
	if k.Set != nil {
		add(float64(k.Set.Generation))
	}
}

func ofIssued(k *sample, add add) {
	if k.Set != nil {
		at(add, k.Set.Signing().Issued)
	}
}

func ofSigns(k *sample, add add) {
	if k.Set != nil {
		at(add, k.Set.Signing().NotBefore)
	}
}

func ofDue(k *sample, add add) { at(add, k.Due()) }

func ofOverdue(k *sample, add add) {
	if k.Set != nil {
		add(k.Overdue().Seconds())
	}
}

func ofPropagation(k *sample, add add) { add(k.Facts.Target.Policy.Propagation.Seconds()) }

func ofExpired(k *sample, add add) {
	if k.Set != nil {
		add(float64(k.Expired()))
	}
}

func ofLeft(k *sample, add add) {
	if k.Set != nil {
		add(float64(k.Result.Left.Revisions))
	}
}

func ofUnerased(k *sample, add add) { add(bit(k.Result.Left.Failed)) }
func ofPassed(k *sample, add add)   { at(add, k.Ended) }
func ofWell(k *sample, add add)     { at(add, k.Well) }
func ofTroubles(k *sample, add add) { add(float64(k.Troubles)) }

func ofApart(k *sample, add add) {
	if d, ok := k.Apart(); ok {
		add(d.Seconds())
	}
}

func ofOutputs(k *sample, add add) {
	for _, o := range k.Facts.Target.Outputs {
		lag := 0.0
		if since, behind := k.Behind[o.Name]; behind {
			lag = k.Facts.Now.Sub(since).Seconds()
		}
		add(lag, o.Name)
	}
}

// at adds a time, if there is one.
func at(add add, t time.Time) {
	if !t.IsZero() {
		add(float64(t.Unix()))
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
