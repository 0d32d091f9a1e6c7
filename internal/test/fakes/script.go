// Package fakes is what the fakes of five services share: the script that makes
// calls go wrong, the past that stale reads see, and calls without a network.
package fakes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrLost is a connection that breaks. As a Fault's After it loses the reply of a
// call that was made.
var ErrLost = errors.New("connection reset")

// A Status is the Before or After of a service that speaks HTTP: the fake answers
// with this status in its vendor's words.
type Status struct {
	Code int
	Echo bool // in place of the words, the answer is what was sent, as from a bad proxy
}

func (s Status) Error() string { return fmt.Sprint("status ", s.Code) }

// A Call is one call of a service.
type Call struct {
	Kind string // as the service's reference names it: "PutSecretValue", "PUT data"
	Name string // of what it is about, where the fake tells it
	N    int    // the how manieth of its kind, from 1
	All  int    // the how manieth of all, from 1
}

// A Fault is what goes wrong with one call, in the order of the fields. Its zero
// value is nothing. Before and After are a reply of the service that refuses the
// call, or ErrLost.
type Fault struct {
	Paused      chan<- struct{} // closed when the call waits at a gate
	PauseBefore <-chan struct{} // a gate: the call is held back until it is closed, or its caller gives up
	Late        bool            // a call whose caller gave up at PauseBefore is still made once that opens
	Wait        time.Duration   // in place of both: the call arrives so late, whether or not its caller waits
	Before      error           // in place of the call, which is not made
	PauseAfter  <-chan struct{} // a gate for the reply
	Hold        time.Duration   // in place of it: the reply comes so late
	After       error           // in place of the reply of a call that was made
}

// A Script counts the calls of a fake and says what goes wrong with each. The zero
// value lets all pass. Safe for concurrent use.
type Script struct {
	mu    sync.Mutex
	on    func(Call) *Fault
	calls []Call
	kinds map[string]int
}

// On replaces the script, which is asked before each call; nil is no fault. Calls
// that run at once ask at once.
func (s *Script) On(script func(Call) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = script
}

// Nth is a script for one call, by its number among all.
func Nth(all int, fault Fault) func(Call) *Fault {
	return func(c Call) *Fault {
		if c.All != all {
			return nil
		}
		return &fault
	}
}

// Every is a script for all calls of one kind.
func Every(kind string, fault Fault) func(Call) *Fault {
	return func(c Call) *Fault {
		if c.Kind != kind {
			return nil
		}
		return &fault
	}
}

// Calls are the calls so far.
func (s *Script) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Kinds are the kinds of the calls so far.
func (s *Script) Kinds() (kinds []string) {
	for _, c := range s.Calls() {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

// Enter counts a call and asks the script about it.
func (s *Script) Enter(kind, name string) Fault {
	s.mu.Lock()
	if s.kinds == nil {
		s.kinds = map[string]int{}
	}
	s.kinds[kind]++
	c := Call{Kind: kind, Name: name, N: s.kinds[kind], All: len(s.calls) + 1}
	s.calls = append(s.calls, c)
	on := s.on
	s.mu.Unlock()
	if on != nil {
		if fault := on(c); fault != nil {
			return *fault
		}
	}
	return Fault{}
}

// Make makes a call with what goes wrong before and after it. It returns Before or
// After, the context's error if the caller gave up, or what apply returns.
func Make[R any](ctx context.Context, t Fault, apply func() (R, error)) (reply R, err error) {
	if t.Wait > 0 {
		t.PauseBefore, t.Late = after(t.Wait), true
	}
	if err := t.wait(ctx, t.PauseBefore); err != nil {
		if t.Late {
			go func() {
				<-t.PauseBefore
				_, _ = apply()
			}()
		}
		return reply, err
	}
	if err := ctx.Err(); err != nil {
		return reply, err
	}
	if t.Before != nil {
		return reply, t.Before
	}
	made, err := apply()
	if t.Hold > 0 {
		t.PauseAfter = after(t.Hold)
	}
	if err := t.wait(ctx, t.PauseAfter); err != nil {
		return reply, err
	}
	if t.After != nil {
		return reply, t.After
	}
	return made, err
}

// after is closed a while after now.
func after(d time.Duration) <-chan struct{} {
	gate := make(chan struct{})
	time.AfterFunc(d, func() { close(gate) })
	return gate
}

// wait waits at a gate, if there is one.
func (t Fault) wait(ctx context.Context, gate <-chan struct{}) error {
	if gate == nil {
		return nil
	}
	if t.Paused != nil {
		close(t.Paused)
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
