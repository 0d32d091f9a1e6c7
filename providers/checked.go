package providers

import (
	"context"
	"errors"
	"fmt"
)

// Checked stands in front of a store and refuses what no store has to know
// about: names that Traits.TakesName does not take (ErrBadName), empty values
// (ErrUnsafe) and values of more than Traits.MaxValue bytes (ErrTooLarge).
// Nothing of such a call reaches the store. rotate puts it in front of every
// store that it opens; whoever opens one by other means does so, too.
func Checked(s Store) Store {
	if c, ok := s.(*checked); ok {
		return c
	}
	return &checked{s, s.Traits()}
}

type checked struct {
	Store
	traits Traits
}

// Unwrap implements Wrapper.
func (c *checked) Unwrap() Store { return c.Store }

// CheckName refuses a name that the store does not take. op is what was to be
// done, for the error.
func (t Traits) CheckName(op, name string) error {
	switch {
	case t.TakesName == nil:
		return &Error{Op: op, Name: name, Kind: ErrBadName, Hint: "this type of store does not tell which names it takes: its adapter has to set Traits.TakesName"}
	case !t.TakesName(name):
		return &Error{Op: op, Name: name, Kind: ErrBadName, Hint: t.NameRule}
	}
	return nil
}

func (c *checked) Read(ctx context.Context, name string) (Revision, error) {
	if err := c.traits.CheckName("read", name); err != nil {
		return Revision{}, err
	}
	return c.Store.Read(ctx, name)
}

func (c *checked) Write(ctx context.Context, name string, v Secret, after RevisionID, n Note) (Revision, error) {
	if err := c.traits.CheckName("write", name); err != nil {
		return Revision{}, err
	}
	refuse := func(kind, why error) (Revision, error) {
		return Revision{}, &Error{Op: "write", Name: name, Kind: kind, Err: why}
	}
	switch {
	case v.Len() == 0:
		return refuse(ErrUnsafe, errors.New("the value is empty"))
	case v.Len() > c.traits.MaxValue:
		return refuse(ErrTooLarge, fmt.Errorf("%d bytes of at most %d", v.Len(), c.traits.MaxValue))
	}
	return c.Store.Write(ctx, name, v, after, n)
}

func (c *checked) History(ctx context.Context, name string) ([]Revision, error) {
	if err := c.traits.CheckName("history", name); err != nil {
		return nil, err
	}
	return c.Store.History(ctx, name)
}

func (c *checked) Erase(ctx context.Context, name string, id, head RevisionID) (Erasure, error) {
	if err := c.traits.CheckName("erase", name); err != nil {
		return Erasure{}, err
	}
	return c.Store.Erase(ctx, name, id, head)
}
