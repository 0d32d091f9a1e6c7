package metrics

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A sample is a key at the time of a scrape. Its status is planned once for all
// families.
type sample struct {
	live.Key
	status status.Key
}

// A family is one metric of keys: a gauge with the labels key and store. of tells
// each value to add, with that of the third label if the family has one. Its name
// lies between the two others: labels are written in the order of their names.
type family struct {
	name, help string
	of         func(*sample, add)
	label      string // the third one; "" for none
}

// add takes one value.
type add func(value float64, label ...string)

// families is every metric of keys. Times are absolute, as Prometheus advises:
// an age is `time() - x`.
var families = []family{
	{"rotate_key_state", "1 for the state that the key is in, as `rotate status` tells it.", ofState, "state"},
	{"rotate_key_attention", "1 if a person should look at the key: it halted, failed, is overdue, or something is in its way.", ofAttention, ""},
	{"rotate_key_alarm", "1 for each reason that a person should look, by its code; see docs/status.md.", ofAlarms, "reason"},
	{"rotate_key_live", "Live keys in each status.", ofLive, "status"},
	{"rotate_key_generation", "Transitions in the life of the keyset.", ofGeneration, ""},
	{"rotate_key_issued_timestamp_seconds", "When the key that signs was made.", ofIssued, ""},
	{"rotate_key_signs_since_timestamp_seconds", "When the key that signs began to.", ofSigns, ""},
	{"rotate_key_due_timestamp_seconds", "When the schedule wants another key to sign.", ofDue, ""},
	{"rotate_key_overdue_seconds", "For how long a rotation has been due that has not happened, 0 if none is.", ofOverdue, ""},
	{"rotate_key_paused_until_timestamp_seconds", "Until when a pause keeps the key from being rotated; absent without one. The label says who set it, and why.", ofPaused, "reason"},
	{"rotate_key_erased_timestamp_seconds", "When a key that a person removes is erased everywhere, or was; absent of others. The label says who removed it.", ofRemoval, "removed_by"},
	{"rotate_key_propagation_seconds", "The propagation of the config: a catch-up takes at least that long.", ofPropagation, ""},
	{"rotate_key_expired_previous", "Previous keys whose grace has ended and that still verify.", ofExpired, ""},
	{"rotate_key_superseded_revisions", "Superseded revisions, in the store and the outputs, that can still be read.", ofLeft, ""},
	{"rotate_key_erasure_failed", "1 if the last pass could not erase what was to go.", ofUnerased, ""},
	{"rotate_key_last_pass_timestamp_seconds", "When the last pass of the key ended, however it did.", ofPassed, ""},
	{"rotate_key_last_success_timestamp_seconds", "When the last pass ended that neither failed, halted nor raised an alarm.", ofWell, ""},
	{"rotate_key_failures", "Passes in a row that failed, halted or raised an alarm.", ofTroubles, ""},
	{"rotate_key_clock_difference_seconds", "By how much this host's clock was ahead of the store's at the last pass; absent where the store tells no time.", ofApart, ""},
	{"rotate_output_lag_seconds", "For how long this process has known the output to be behind the store, 0 if it is not.", ofOutputs, "output"},
}

func ofState(k *sample, add add) {
	is := k.status.State
	for _, s := range status.States() {
		add(bit(s == is), string(s))
	}
}

func ofAttention(k *sample, add add) { add(bit(k.status.Alarmed())) }

func ofAlarms(k *sample, add add) {
	for i, r := range k.status.Alarms {
		if !slices.ContainsFunc(k.status.Alarms[:i], func(before rotation.Reason) bool { return before.Code == r.Code }) {
			add(1, string(r.Code))
		}
	}
}

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

func ofPaused(k *sample, add add) {
	if p := k.status.Paused; p != nil {
		add(float64(p.Until.Unix()), p.By+": "+p.Reason)
	}
}

func ofRemoval(k *sample, add add) {
	if r := k.status.Removal; r != nil {
		add(float64(r.Erased.Unix()), r.By)
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
