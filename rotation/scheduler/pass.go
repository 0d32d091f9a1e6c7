package scheduler

import (
	"container/heap"
	"context"
	"fmt"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A lane is where the keys that use the same stores queue up. It exists while
// there are passes in it.
type lane struct {
	running int
	queue   []*key
}

// enqueue puts a key that is due into its lane. s.mu is held, here and in admit.
func (s *Scheduler) enqueue(work context.Context, k *key) {
	name := k.lane()
	if s.lanes[name] == nil {
		s.lanes[name] = &lane{}
	}
	s.lanes[name].queue = append(s.lanes[name].queue, k)
	s.admit(work, name)
}

// admit begins as many passes of a lane as it may have at once.
func (s *Scheduler) admit(work context.Context, name string) {
	l := s.lanes[name]
	for l.running < s.perStore && len(l.queue) > 0 && !s.stopping {
		k := l.queue[0]
		l.queue = l.queue[1:]
		l.running++
		k.begin(s.now())
		go s.pass(work, k, k.Key, name)
	}
	if l.running == 0 && len(l.queue) == 0 {
		delete(s.lanes, name)
	}
}

// pass runs one pass. c is the key's configuration when the pass began.
func (s *Scheduler) pass(work context.Context, k *key, c Key, lane string) {
	ctx, cancel := context.WithTimeoutCause(work, s.timeout, fmt.Errorf("the pass did not end within %s", rotation.Duration(s.timeout)))
	defer cancel()
	result, err := s.protect(ctx, c.Target)
	before, after := s.settle(k, result, err)
	s.report(work, &k.lines, before, after)
	s.release(work, k, lane)
}

// settle notes how a pass ended. The lock is not held while that is logged.
func (s *Scheduler) settle(k *key, r engine.Result, err error) (before, after State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = k.state()
	k.settle(s.now(), r, err)
	return before, k.state()
}

// release makes room for the next pass of a lane and lets the key wait for its
// own.
func (s *Scheduler) release(work context.Context, k *key, lane string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.busy = false
	if k.gone {
		delete(s.keys, k.id())
	} else {
		heap.Push(&s.idle, k)
	}
	s.lanes[lane].running--
	s.admit(work, lane)
	if k.index == 0 || s.stopping {
		s.poke()
	}
}

// protect turns a panic of a pass into an error of this key.
func (s *Scheduler) protect(ctx context.Context, t engine.Target) (r engine.Result, err error) {
	defer func() {
		// guard incident 24: a panic is over with its pass
		if v := recover(); v != nil {
			err = &engine.Error{Key: t.Name, Store: t.StoreName, Err: bug.Of(v)}
		}
	}()
	return s.engine.Pass(ctx, t, engine.Ask{})
}
