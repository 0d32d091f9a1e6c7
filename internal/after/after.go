// Package after has the ways in which readers of an output are made to read it: a
// unit of systemd, a rollout in Kubernetes, a signal, a program. The engine decides
// when; see engine.Output.After.
//
// Each way may be called again for what was read already, as a process can be killed
// before it has noted that. Readers lose nothing by it.
package after

import (
	"context"
	"fmt"
)

// A Change is what readers are to read. It holds no key material.
type Change struct {
	Key      string // by its name in the config
	Output   string // by its name: STORE SECRET, or a path
	Revision string // of what the output holds now
}

// A Way makes readers read. It is safe for concurrent use.
type Way struct {
	Name string // as the config has it: systemd shop.service

	wake   func(ctx context.Context, c Change) error
	try    func(ctx context.Context) error
	advice func(err error) string // what a person can do; "" if the error says it
}

// Wake returns nil once readers read, or begin to, and stops when ctx ends. Its error
// is an Error.
func (w *Way) Wake(ctx context.Context, c Change) error { return w.told(w.wake(ctx, c)) }

// Try looks for what would keep Wake from waking readers: a right that is missing, a
// unit, a workload, a process or a program that is not there. Nobody is woken. Its
// error is an Error.
func (w *Way) Try(ctx context.Context) error { return w.told(w.try(ctx)) }

func (w *Way) told(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Way: w.Name, Err: err, Advice: w.advice(err)}
}

// An Error tells which way failed, and what a person can do.
type Error struct {
	Way    string // as the config has it: systemd shop.service
	Err    error
	Advice string // "" if the error says it
}

// Error leaves out the advice: who shows the error shows Todo beside it.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Way, e.Err) }

// Unwrap lets errors.Is see what failed.
func (e *Error) Unwrap() error { return e.Err }

// Todo is the advice, for package engine.
func (e *Error) Todo() string { return e.Advice }
