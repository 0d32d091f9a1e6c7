package providertest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/keyrotate/rotate/providers"
)

// Op is a method of a Store that makes a call.
type Op string

// The operations, by the words that providers.Error.Op uses.
const (
	Read    Op = "read"
	Write   Op = "write"
	History Op = "history"
	Erase   Op = "erase"
)

// A Call is one call that a Faulty was asked to make.
type Call struct {
	Op   Op
	Name string
	N    int // the how manieth call of this Op, from 1
}

// A Fault is what goes wrong with one call. Its zero value changes nothing.
// The parts happen in the order of the fields.
type Fault struct {
	// PauseBefore holds the call back until it is closed.
	PauseBefore <-chan struct{}
	// Before answers in place of the call, which is not made.
	Before error
	// Behind makes a Read answer the head as it was so many heads ago, of those
	// that this Faulty saw; ErrNotFound if there were not so many.
	Behind int
	// PauseAfter holds the reply of a call that was made until it is closed.
	PauseAfter <-chan struct{}
	// After is returned in place of the reply of a call that was made.
	After error

	// Paused, if not nil, is closed when the call has reached its pause. It
	// serves one call with one pause.
	Paused chan<- struct{}
}

// A Faulty is a Store whose calls go wrong as scripted. An error of a Fault may
// be a bare kind, such as providers.ErrDenied, or a whole *providers.Error.
//
// A paused call ends early when its context does: with ErrUnavailable if it was
// not made, else with ErrUnclear. To model a process that is frozen and knows
// of no deadline, give it a context without one.
//
// A Faulty starts no goroutine and waits only on the channels of its Faults, so
// it runs inside testing/synctest. Safe for concurrent use.
type Faulty struct {
	inner providers.Store

	mu     sync.Mutex
	script func(Call) *Fault
	calls  []Call
	heads  map[string][]providers.Revision // as seen in replies of inner, oldest first
}

// NewFaulty returns a Faulty in which nothing goes wrong yet.
func NewFaulty(s providers.Store) *Faulty {
	return &Faulty{inner: s, heads: map[string][]providers.Revision{}}
}

// On replaces the script: before each call script tells what goes wrong with
// it, nil for nothing. A nil script ends all faults. Concurrent calls may run
// the script concurrently; it may call On.
func (f *Faulty) On(script func(Call) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

// Nth is a script for the n-th call of one operation.
func Nth(op Op, n int, fault Fault) func(Call) *Fault {
	return func(c Call) *Fault {
		if c.Op != op || c.N != n {
			return nil
		}
		return &fault
	}
}

// Every is a script for every call of one operation.
func Every(op Op, fault Fault) func(Call) *Fault {
	return func(c Call) *Fault {
		if c.Op != op {
			return nil
		}
		return &fault
	}
}

// Calls returns the calls so far, in the order in which they came in.
func (f *Faulty) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Count returns the number of calls of op so far.
func (f *Faulty) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(op)
}

func (f *Faulty) count(op Op) (n int) {
	for _, c := range f.calls {
		if c.Op == op {
			n++
		}
	}
	return n
}

// Traits implements providers.Store.
func (f *Faulty) Traits() providers.Traits { return f.inner.Traits() }

// Read implements providers.Store.
func (f *Faulty) Read(ctx context.Context, name string) (rev providers.Revision, err error) {
	fault := f.enter(Read, name)
	err = fault.around(ctx, Read, name, func() error {
		if fault.Behind > 0 {
			rev, err = f.behind(name, fault.Behind)
			return err
		}
		rev, err = f.inner.Read(ctx, name)
		f.saw(name, rev, err)
		return err
	})
	return reply(rev, err)
}

// Write implements providers.Store.
func (f *Faulty) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	err = f.enter(Write, name).around(ctx, Write, name, func() error {
		rev, err = f.inner.Write(ctx, name, v, after, n)
		f.saw(name, rev, err)
		return err
	})
	return reply(rev, err)
}

// History implements providers.Store.
func (f *Faulty) History(ctx context.Context, name string) (revs []providers.Revision, err error) {
	err = f.enter(History, name).around(ctx, History, name, func() error {
		revs, err = f.inner.History(ctx, name)
		return err
	})
	return reply(revs, err)
}

// Erase implements providers.Store.
func (f *Faulty) Erase(ctx context.Context, name string, id, head providers.RevisionID) (e providers.Erasure, err error) {
	err = f.enter(Erase, name).around(ctx, Erase, name, func() error {
		e, err = f.inner.Erase(ctx, name, id, head)
		return err
	})
	return reply(e, err)
}

// reply makes sure that nothing but the error gets through.
func reply[R any](r R, err error) (R, error) {
	if err != nil {
		r = *new(R)
	}
	return r, err
}

// enter records a call and asks the script about it.
func (f *Faulty) enter(op Op, name string) Fault {
	f.mu.Lock()
	c := Call{Op: op, Name: name, N: f.count(op) + 1}
	f.calls = append(f.calls, c)
	script := f.script
	f.mu.Unlock()
	if script != nil {
		if fault := script(c); fault != nil {
			return *fault
		}
	}
	return Fault{}
}

// around makes a call with what goes wrong before and after it.
func (t Fault) around(ctx context.Context, op Op, name string, call func() error) error {
	if !t.pause(ctx, t.PauseBefore) {
		return failure(op, name, providers.ErrUnavailable, context.Cause(ctx))
	}
	if t.Before != nil {
		return failure(op, name, t.Before, nil)
	}
	err := call()
	if !t.pause(ctx, t.PauseAfter) {
		return failure(op, name, lost(op), context.Cause(ctx))
	}
	if t.After != nil {
		return failure(op, name, t.After, nil)
	}
	return err
}

// lost is the kind of a call whose reply was given up.
func lost(op Op) error {
	if op == Write || op == Erase {
		return providers.ErrUnclear
	}
	return providers.ErrUnavailable
}

// pause waits for gate, if there is one, and tells whether it opened.
func (t Fault) pause(ctx context.Context, gate <-chan struct{}) bool {
	if gate == nil {
		return true
	}
	if t.Paused != nil {
		close(t.Paused)
	}
	select {
	case <-gate:
		return true
	case <-ctx.Done():
		return false
	}
}

// failure dresses a bare kind as what a Store returns.
func failure(op Op, name string, kind, err error) error {
	var whole *providers.Error
	if errors.As(kind, &whole) {
		return kind
	}
	return &providers.Error{Op: string(op), Name: name, Kind: kind, Err: err}
}

// saw records a head.
func (f *Faulty) saw(name string, rev providers.Revision, err error) {
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.heads[name]
	if !slices.ContainsFunc(h, func(r providers.Revision) bool { return r.ID == rev.ID }) {
		f.heads[name] = append(h, rev)
	}
}

// behind returns the head n heads ago.
func (f *Faulty) behind(name string, n int) (providers.Revision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.heads[name]
	if n >= len(h) {
		return providers.Revision{}, failure(Read, name, providers.ErrNotFound, nil)
	}
	return h[len(h)-1-n], nil
}
