package stores

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A Count is told each call of a store: open, read, write, history or erase, how
// long it took, and its error. It must not block.
type Count func(operation string, took time.Duration, err error)

// Counted tells count, if it is not nil, of the opening of a store, and of every
// call of it from then on. Calls in hand are known to whoever watches; whose names
// the key and the store of a secret, "" for the store alone.
func Counted(open Opener, whose func(secret string) string, count Count) Opener {
	return func(ctx context.Context) (providers.Store, error) {
		c := &counted{count: count, whose: whose}
		err := c.call(ctx, "open", "", func() (err error) {
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
	whose func(secret string) string
	count Count
}

// Unwrap implements providers.Wrapper.
func (c *counted) Unwrap() providers.Store { return c.Store }

func (c *counted) call(ctx context.Context, operation, secret string, f func() error) error {
	defer Begin(ctx, func() string { return c.whose(secret) + ": " + operation })()
	start := time.Now()
	err := f()
	if c.count != nil {
		c.count(operation, time.Since(start), err)
	}
	return err
}

// Read implements providers.Store.
func (c *counted) Read(ctx context.Context, name string) (rev providers.Revision, err error) {
	err = c.call(ctx, "read", name, func() error { rev, err = c.Store.Read(ctx, name); return err })
	return rev, err
}

// Write implements providers.Store.
func (c *counted) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	err = c.call(ctx, "write", name, func() error { rev, err = c.Store.Write(ctx, name, v, after, n); return err })
	return rev, err
}

// History implements providers.Store.
func (c *counted) History(ctx context.Context, name string) (revs []providers.Revision, err error) {
	err = c.call(ctx, "history", name, func() error { revs, err = c.Store.History(ctx, name); return err })
	return revs, err
}

// Erase implements providers.Store.
func (c *counted) Erase(ctx context.Context, name string, id, head providers.RevisionID) (e providers.Erasure, err error) {
	err = c.call(ctx, "erase", name, func() error { e, err = c.Store.Erase(ctx, name, id, head); return err })
	return e, err
}
