package stores

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A Count is told each call of a store: open, read, write, history or erase, how
// long it took, and its error. It must not block.
type Count func(operation string, took time.Duration, err error)

// Counted tells count of the opening of a store, and of every call of it from then
// on.
func Counted(open Opener, count Count) Opener {
	return func(ctx context.Context) (providers.Store, error) {
		c := &counted{count: count}
		err := c.call("open", func() (err error) {
			c.Store, err = open(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// A counted store counts its calls.
type counted struct {
	providers.Store
	count Count
}

// Unwrap implements providers.Wrapper.
func (c *counted) Unwrap() providers.Store { return c.Store }

func (c *counted) call(operation string, f func() error) error {
	start := time.Now()
	err := f()
	c.count(operation, time.Since(start), err)
	return err
}

// Read implements providers.Store.
func (c *counted) Read(ctx context.Context, name string) (rev providers.Revision, err error) {
	err = c.call("read", func() error { rev, err = c.Store.Read(ctx, name); return err })
	return rev, err
}

// Write implements providers.Store.
func (c *counted) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	err = c.call("write", func() error { rev, err = c.Store.Write(ctx, name, v, after, n); return err })
	return rev, err
}

// History implements providers.Store.
func (c *counted) History(ctx context.Context, name string) (revs []providers.Revision, err error) {
	err = c.call("history", func() error { revs, err = c.Store.History(ctx, name); return err })
	return revs, err
}

// Erase implements providers.Store.
func (c *counted) Erase(ctx context.Context, name string, id, head providers.RevisionID) (e providers.Erasure, err error) {
	err = c.call("erase", func() error { e, err = c.Store.Erase(ctx, name, id, head); return err })
	return e, err
}
