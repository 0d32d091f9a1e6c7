package engine

import "fmt"

// explain tells which key and store an error is about, and that the key that
// signs is unharmed.
func (p *pass) explain(err error) error {
	still := "nothing was changed"
	if p.result.Set != nil {
		still = fmt.Sprintf("kid %s still signs", p.result.Set.Signing().Kid)
	}
	return &Error{Key: p.t.Name, Store: p.t.StoreName, Still: still, Err: err}
}

// An Error is a failed pass.
type Error struct {
	Key, Store string
	Still      string // what is unharmed
	Err        error
}

// Error says what to do last, after what is still well.
func (e *Error) Error() string {
	what, hint := withoutHint(e.Err)
	if hint != "" {
		hint = "\nhint: " + hint
	}
	return fmt.Sprintf("key %s, store %s: %s; %s%s", e.Key, e.Store, what, e.Still, hint)
}

// Unwrap lets errors.Is see what failed.
func (e *Error) Unwrap() error { return e.Err }
