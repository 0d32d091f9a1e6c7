package scheduler

import (
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// The distances between two passes of one key.
const (
	minGap     = time.Second     // between two passes
	firstRetry = 5 * time.Second // after one that failed; doubles up to
	maxRetry   = 10 * time.Minute
	maxAsked   = 24 * time.Hour // a service that asks for more is not believed
)

// A key is what the scheduler knows of one Key. Scheduler.mu guards it, but for
// lines, which belongs to the pass in hand.
type key struct {
	Key
	share float64 // its own place in any spread, from 0 to below 1

	deadline time.Time // when its next pass is; zero while one is in hand
	fired    time.Time // the look that a firing asks for; zero once a pass began since then
	floor    time.Time // no firing brings a pass before this
	index    int       // in the heap, -1 while it is not there

	busy    bool // a pass is in hand
	gone    bool // removed while it was busy
	changed bool // configured anew while it was busy
	began   time.Time

	result   engine.Result // of the last pass that did not fail
	err      error         // of the last pass
	ended    time.Time
	well     time.Time   // the end of the last pass without any trouble
	set      *keyset.Set // the last one that could be trusted; nil once the key was removed
	removed  bool        // as it was last read
	read     time.Time   // when the pass began that read it
	behind   map[string]time.Time
	troubles int       // passes in a row that failed, halted or raised an alarm
	since    time.Time // when the first of them ended

	lines limiter
}

// id tells keys apart.
func (k Key) id() string { return k.Target.Environment + "\x00" + k.Target.Name }

// lane names the stores that a pass of this key may hang on. Keys that share
// all of them share a lane, so no store holds up a key that does not use it.
func (k Key) lane() string {
	also := slices.Compact(slices.Sorted(slices.Values(k.OutputStores)))
	return strings.Join(append([]string{k.Target.StoreName}, also...), "\x00")
}

func newKey(c Key, now time.Time) *key {
	sum := sha256.Sum256([]byte(c.id()))
	share := float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
	return &key{Key: c, share: share, deadline: now, index: -1}
}

// configure gives the key a new configuration, which is looked at at once
// whatever became of the old one.
func (k *key) configure(c Key, now time.Time) {
	k.Key, k.gone, k.changed = c, false, k.busy
	k.deadline, k.floor, k.troubles = now, time.Time{}, 0
}

// fire notes a firing of the key's schedule. The policy adds the jitter to the
// firing, too: an earlier look would be in vain.
func (k *key) fire(at time.Time) {
	at = at.Add(k.Target.Policy.Jitter)
	if !at.After(k.began) || !k.fired.IsZero() && k.fired.Before(at) {
		return // the key was looked at since then, or will be
	}
	k.fired = at
	if !k.busy { // settle plans what comes after the pass in hand
		k.deadline = later(earlier(k.deadline, at), k.floor)
	}
}

// begin notes that a pass begins. A firing that comes due later keeps its look.
func (k *key) begin(now time.Time) {
	k.busy, k.began, k.deadline = true, now, time.Time{}
	if !k.fired.After(now) {
		k.fired = time.Time{}
	}
}

// settle notes how a pass ended and plans the next one.
func (k *key) settle(now time.Time, r engine.Result, err error) {
	k.ended, k.err = now, err
	if err == nil {
		k.result = r
		k.result.Did = nil // told already
		k.behind = behind(k.behind, r.Outputs, now)
	}
	if r.Set != nil || r.Removed != nil { // what was removed is served no more
		k.set, k.removed, k.read = r.Set, r.Removed != nil, k.began
	}
	if k.result.Set != nil {
		k.result.Set = k.set // a pass that failed has read it all the same: the one before may hold a key that is gone
	}
	switch {
	case err == nil && r.Step.Do != rotation.Halt && len(r.Step.Alarms) == 0:
		k.troubles, k.since, k.well = 0, time.Time{}, now
	default:
		k.troubles++
		k.since = cmp.Or(k.since, now)
	}
	planned := k.plan(now, r.Step, err)
	if k.changed { // of what this pass did not know
		k.changed, k.troubles = false, 0
		k.floor, planned = now.Add(minGap), now
	}
	if !k.fired.IsZero() {
		planned = earlier(planned, k.fired)
	}
	k.deadline = later(planned, k.floor)
}

// behind is the outputs that are, and since when this process knows it.
func behind(was map[string]time.Time, outputs []rotation.Output, now time.Time) map[string]time.Time {
	var is map[string]time.Time // nil for most keys
	for _, o := range outputs {
		if !o.Behind.IsZero() {
			if is == nil {
				is = map[string]time.Time{}
			}
			is[o.Name] = cmp.Or(was[o.Name], now)
		}
	}
	return is
}

// plan returns when the next pass should be, and sets the floor.
//
// After an alarm the key is tried again as after a failure. An output that was down, say, may be back long before the
// next sync.
func (k *key) plan(now time.Time, step rotation.Step, err error) time.Time {
	k.floor = now.Add(minGap)
	switch {
	case err != nil:
		// guard incident 28: a service is left alone for as long as it asks
		gap := max(k.backoff(), asked(err))
		k.floor = now.Add(gap)
		return k.floor
	case step.Do == rotation.Halt:
		return k.sync(now)
	case !step.At.IsZero() && !step.At.After(now):
		// The pass was not finished. With an alarm it was others' writes that kept
		// it from each of its own: the same again would be more of them.
		if len(step.Alarms) > 0 {
			k.floor = now.Add(k.backoff())
		}
		return k.floor
	}
	at := k.sync(now)
	if !step.At.IsZero() {
		at = earlier(at, step.At)
	}
	if len(step.Alarms) > 0 {
		at = earlier(at, now.Add(k.backoff()))
	}
	return at
}

// sync is when the scheduler looks at the key next although nothing is due: once in each Sync. Each key has its own
// point in it, so that keys that began together do not stay together.
func (k *key) sync(now time.Time) time.Time {
	at := now.Truncate(k.Sync).Add(time.Duration(k.share * float64(k.Sync)))
	if !at.After(now) {
		at = at.Add(k.Sync)
	}
	return at
}

// backoff is how long to wait after so many troubles in a row, less up to a
// fifth, always the same for this key.
func (k *key) backoff() time.Duration {
	d := doubled(firstRetry, k.troubles-1, maxRetry)
	return d - time.Duration(k.share*float64(d/5))
}

// asked is how long the service asks to be left alone.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return min(e.After, maxAsked)
	}
	return 0
}

// doubled is d doubled n times, up to limit.
func doubled(d time.Duration, n int, limit time.Duration) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// shift moves all plans with a wall clock that was set back.
func (k *key) shift(by time.Duration) {
	for _, t := range []*time.Time{&k.deadline, &k.fired, &k.floor, &k.began, &k.read} {
		if !t.IsZero() {
			*t = t.Add(-by)
		}
	}
}

// A queue is a heap of idle keys, the next deadline first.
type queue []*key

var _ heap.Interface = (*queue)(nil)

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].deadline.Before(q[j].deadline) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	k := x.(*key)
	k.index = len(*q)
	*q = append(*q, k)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	k := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	k.index = -1
	return k
}
