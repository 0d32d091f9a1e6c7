// Package scheduler looks at every key when it is time to. The engine does the work, and the policy decides whether a
// rotation is due. A look too many costs one read. A look too late delays a rotation.
//
// A key is looked at when
//
//   - the scheduler starts or gets to know the key, which catches up on whatever
//     came due while nothing ran;
//   - its cron schedule fires, plus the key's jitter: robfig/cron's runner has
//     one entry for each distinct text;
//   - the time has come that its last pass asked to wait for: the due date, the
//     lead before it in which the next key is published, the end of a wait;
//   - a Sync is over, each key at its own point of it;
//   - its last pass failed or raised an alarm: after 5 s, doubling to 10 min,
//     and not before the service wants to be asked again. A key that halted
//     waits for a person and is looked at at its schedule and Sync.
//
// The runner and the heap have the same dates, and each is enough by itself (TestEachSourceIsEnough). The runner
// counts with the schedule alone, the heap with stored times. So neither an error in one of them nor a changed clock
// loses a rotation. A schedule that is anchored to stored times (rotation.Every, the option `every:`) has no text and
// no firings: its dates are in the heap alone.
//
// All of these are one deadline for each key, in one heap, so an idle key costs nothing until its turn. At the start
// the scheduler reads all keys, as many at a time as PerStore allows, because only their stores know which are
// overdue. Later reads are spread by a hash of environment and name.
//
// A key has at most one pass in hand. A pass that fails, hangs or panics delays only the keys that use the same
// stores.
package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// After Run's context is done: how long passes may go on, and how long Run
// waits for those that do not even end when they are cancelled.
const (
	finishWithin = 4 * time.Second
	leaveAfter   = 4800 * time.Millisecond
)

// A Key is a target and when to look at it.
type Key struct {
	Target engine.Target

	// Cron is the schedule's text, as Parse takes it; "" for a schedule that is
	// anchored to stored times, as rotation.Every is.
	Cron string

	// Sync is how often to look at the store when nothing is due, at least 1 s.
	Sync time.Duration

	// OutputStores names the stores of the outputs, in any order, as
	// Target.StoreName names the key's own.
	OutputStores []string

	// Digest changes whenever anything in the key's configuration does. Replace
	// looks at once at a key whose digest is another, or "".
	Digest string
}

// Options are what a Scheduler can do without. The zero Options are fine.
type Options struct {
	Tell     func(Notice)  // is told what a person should know; nil for nobody. Safe for concurrent calls
	PerStore int           // passes at once of keys that use the same stores; 4 if 0
	Timeout  time.Duration // of one pass, after which it has failed; 2 min if 0

	// Run calls Beat at each turn, at least once a minute, even if no store answers. A watchdog that misses it knows
	// that Run is stuck. Beat must not block. It may be nil.
	Beat func()
}

// A Scheduler runs passes. It is safe for concurrent use.
type Scheduler struct {
	engine   *engine.Engine
	tell     func(Notice)
	perStore int
	timeout  time.Duration
	beat     func()
	cron     *cron.Cron
	nudge    chan struct{} // the first deadline or the passes in hand have changed

	mu       sync.Mutex
	keys     map[string]*key // by id; those that are gone only while they are busy
	idle     queue           // keys that are neither in a lane nor busy
	lanes    map[string]*lane
	firings  map[string]*firing // by the schedule's text
	stopping bool               // no pass begins any more
}

// A firing is an entry of the runner and the keys that it wakes.
type firing struct {
	entry    cron.EntryID
	schedule rotation.Schedule
	keys     []*key
}

// New returns a Scheduler without keys.
func New(e *engine.Engine, o Options) *Scheduler {
	if o.Beat == nil {
		o.Beat = func() {}
	}
	if o.Tell == nil {
		o.Tell = func(Notice) {}
	}
	return &Scheduler{
		engine:   e,
		beat:     o.Beat,
		tell:     o.Tell,
		perStore: cmp.Or(o.PerStore, 4),
		timeout:  cmp.Or(o.Timeout, 2*time.Minute),
		cron:     cron.New(cron.WithLocation(time.UTC)),
		nudge:    make(chan struct{}, 1),
		keys:     map[string]*key{},
		lanes:    map[string]*lane{},
		firings:  map[string]*firing{},
	}
}

// Run looks at keys until ctx is done. Then no pass begins any more. Passes in hand have 4 s to finish what they
// write, and are then cancelled. Run returns within 5 s even if a store never answers. Its error then names the keys
// whose passes it abandoned, and the next start finishes them. Call Run once.
func (s *Scheduler) Run(ctx context.Context) error {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	s.cron.Start()
	defer func() { <-s.cron.Stop().Done() }() // a firing only plans, so this does not last
	timer := time.NewTimer(0)
	defer timer.Stop()
	var clocks watch
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-timer.C:
		case <-s.nudge:
		}
		s.follow(clocks.step(s.now(), time.Now()))
		timer.Reset(s.wake(work))
		s.beat()
	}
	return s.finish(cancel)
}

// wake sends the keys whose deadline has come to their lanes, and returns how
// long to sleep. It costs O(log n) for each of them, and nothing for the others.
func (s *Scheduler) wake(work context.Context) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for len(s.idle) > 0 && !s.idle[0].deadline.After(now) {
		s.enqueue(work, heap.Pop(&s.idle).(*key))
	}
	if len(s.idle) == 0 {
		return maxSleep
	}
	return min(maxSleep, s.idle[0].deadline.Sub(now))
}

// fire wakes the keys of a firing. The runner calls it.
func (s *Scheduler) fire(f *firing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fired(f, s.now().Truncate(time.Second)) // firings have no fractions
	s.poke()
}

// fired wakes the keys of a firing that came at a time. s.mu is held.
func (s *Scheduler) fired(f *firing, at time.Time) {
	for _, k := range f.keys {
		k.fire(at)
		if k.index >= 0 {
			heap.Fix(&s.idle, k.index)
		}
	}
}

// finish lets the passes in hand come to their end.
func (s *Scheduler) finish(cancel context.CancelCauseFunc) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	stop := time.AfterFunc(finishWithin, func() { cancel(errors.New("rotate is shutting down")) })
	defer stop.Stop()
	leave := time.NewTimer(leaveAfter)
	defer leave.Stop()
	for {
		busy := s.busy()
		if len(busy) == 0 {
			return nil
		}
		select {
		case <-s.nudge:
		case <-leave.C:
			return fmt.Errorf("left without an answer from the store, and whatever was begun is finished at the next start: %s", strings.Join(busy, "; "))
		}
	}
}

// busy names the keys whose passes are in hand.
func (s *Scheduler) busy() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.busy {
			names = append(names, fmt.Sprintf("key %s, store %s", k.Target.Name, k.Target.StoreName))
		}
	}
	slices.Sort(names)
	return names
}

// poke makes Run look at the heap, or at the passes in hand, again.
func (s *Scheduler) poke() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// now is the wall clock without a monotonic reading; see maxSleep.
func (s *Scheduler) now() time.Time { return s.engine.Clock().Wall.Round(0) }
