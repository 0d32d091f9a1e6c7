package say

import (
	"errors"
	"strings"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A Hinted error carries what to do about it. Its own text does not have the hint. Another error has a hint by a method
// Todo of its own.
type Hinted struct {
	Err  error
	Hint string
}

// Failed is an error of which the words are all that is known.
func Failed(w Words) error { return &Hinted{errors.New(w.What), w.Hint} }

// Hint adds what to do to an error.
func Hint(err error, todo string) error { return &Hinted{err, todo} }

func (e *Hinted) Error() string { return e.Err.Error() }

// Todo is the hint, for Error.
func (e *Hinted) Todo() string { return e.Hint }

// Unwrap lets errors.Is see what failed.
func (e *Hinted) Unwrap() error { return e.Err }

// Error words an error: what failed, what is unharmed, and the hints of all that it wraps, the outermost last.
func Error(err error) Words {
	if err == nil {
		return Words{}
	}
	w := Words{What: err.Error()}
	if failed, ok := errors.AsType[*engine.Error](err); ok {
		w.What += "; " + still(failed.Signs)
	}
	w.Hint = strings.Join(hints(err), "\nhint: ")
	return w
}

// hints is those of an error and of all that it wraps.
func hints(err error) (all []string) {
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapped.Unwrap(); inner != nil {
			all = hints(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapped.Unwrap() {
			all = append(all, hints(inner)...)
		}
	}
	own := ""
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *providers.Error:
		own = e.Hint
	case interface{ Todo() string }:
		own = e.Todo()
	}
	if own != "" {
		all = append(all, own)
	}
	return all
}
