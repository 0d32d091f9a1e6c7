package providers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The kinds of failure that callers tell apart, with errors.Is. Every error of
// a Store is an *Error with one of them, so that each adapter needs one table
// from its vendor's errors to these.
var (
	ErrNotFound    = errors.New("nothing was ever stored under this name")
	ErrConflict    = errors.New("the head has moved on")
	ErrUnreadable  = errors.New("there is a stored value, but it cannot be read")
	ErrUnclear     = errors.New("no reply: the write may or may not have happened")
	ErrDenied      = errors.New("permission denied")
	ErrThrottled   = errors.New("the service asks to slow down")
	ErrUnavailable = errors.New("the service cannot be reached or failed")
	ErrTooLarge    = errors.New("the value is larger than the store takes")
	ErrBadName     = errors.New("the store does not take this name")
	ErrUnsafe      = errors.New("the store is set up in a way that would expose or lose keys")
	ErrUnset       = errors.New("an option of the store is missing")
)

// kinds is the word for each kind of failure, in metrics and in codes of reasons.
var kinds = []struct {
	kind error
	word string
}{
	{ErrNotFound, "not_found"}, {ErrConflict, "conflict"}, {ErrUnreadable, "unreadable"}, {ErrUnclear, "unclear"}, {ErrDenied, "denied"},
	{ErrThrottled, "throttled"}, {ErrUnavailable, "unavailable"}, {ErrTooLarge, "too_large"}, {ErrBadName, "bad_name"}, {ErrUnsafe, "unsafe"}, {ErrUnset, "unset"},
}

// Kind is the word for an error's kind, such as "denied"; "other" for one that is no Store's, "" for nil.
func Kind(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return k.word
		}
	}
	return "other"
}

// Error is what every method of a Store returns when it fails. It never holds
// a value.
type Error struct {
	Op    string        // what was tried: read, write, history, erase, open
	Name  string        // the secret's name, or the path
	Kind  error         // one of the kinds above
	Err   error         // the vendor's words, or nil
	Hint  string        // what a person can do about it, or ""
	After time.Duration // for ErrThrottled: how long the service asks to wait
}

// Error leaves out the hint: whoever shows the error shows Hint beside it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %v", e.Op, e.Name, e.Kind)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap lets errors.Is find the kind and errors.As the vendor's error.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Dress turns *err into an *Error that says what was tried, and on what. An
// error that the adapter has no kind for becomes ErrUnavailable. Each method of
// a Store defers it, with a named result.
func Dress(err *error, op, name string) {
	if *err == nil {
		return
	}
	e := Error{Kind: ErrUnavailable, Err: *err}
	if known := (*Error)(nil); errors.As(*err, &known) {
		e = *known
	}
	e.Op, e.Name = op, name
	*err = &e
}
