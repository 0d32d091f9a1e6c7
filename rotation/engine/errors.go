package engine

import (
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// An Error is a failed pass. Nothing is lost by it.
type Error struct {
	Key, Store string
	Signs      string // the kid that signs, unharmed; "" if none is known
	Err        error
}

// Error leaves it to package say to tell what is unharmed.
func (e *Error) Error() string { return fmt.Sprintf("key %s, store %s: %v", e.Key, e.Store, e.Err) }

// Unwrap lets errors.Is see what failed.
func (e *Error) Unwrap() error { return e.Err }

// explain tells which key and store an error is about, and which key still signs.
func explain(err error, t Target, set *keyset.Set) error {
	if err == nil {
		return nil
	}
	failed := &Error{Key: t.Name, Store: t.StoreName, Err: err}
	if set != nil && set.Removing == nil {
		failed.Signs = set.Signing().Kid
	}
	return failed
}

// failure is a failed call of a store, or of an After, as a reason.
func failure(of func(kind string) rotation.Code, err error) rotation.Reason {
	r := rotation.Reason{Code: of(providers.Kind(err)), Cause: err.Error()}
	if failed, ok := errors.AsType[*providers.Error](err); ok {
		r.Hint = failed.Hint
	} else if hinted, ok := errors.AsType[interface {
		error
		Todo() string
	}](err); ok {
		r.Hint = hinted.Todo()
	}
	return r
}

// StoreFailed is an error of Pass or Look as a reason: what kind of call failed, how, and which kid still signs.
func StoreFailed(err error) rotation.Reason {
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return failure(rotation.StoreFailure, err)
	}
	r := failure(rotation.StoreFailure, failed.Err)
	r.Kid = failed.Signs
	return r
}
