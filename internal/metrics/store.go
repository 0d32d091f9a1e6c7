package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// results is the word for each kind of failure.
var results = []struct {
	kind error
	word string
}{
	{providers.ErrNotFound, "not_found"}, {providers.ErrConflict, "conflict"}, {providers.ErrUnreadable, "unreadable"},
	{providers.ErrUnclear, "unclear"}, {providers.ErrDenied, "denied"}, {providers.ErrThrottled, "throttled"},
	{providers.ErrUnavailable, "unavailable"}, {providers.ErrTooLarge, "too_large"}, {providers.ErrBadName, "bad_name"},
	{providers.ErrUnsafe, "unsafe"},
}

// Open counts the opening of a store, and every call of it from then on.
func (m *Metrics) Open(name string, open func(context.Context) (providers.Store, error)) func(context.Context) (providers.Store, error) {
	return func(ctx context.Context) (providers.Store, error) {
		c := &counted{metrics: m, name: name}
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
	metrics *Metrics
	name    string // as the config calls it
}

func (c *counted) call(operation string, f func() error) error {
	start := time.Now()
	err := f()
	c.metrics.seconds.WithLabelValues(c.name, operation).Observe(time.Since(start).Seconds())
	c.metrics.calls.WithLabelValues(c.name, operation, result(err)).Inc()
	return err
}

func result(err error) string {
	if err == nil {
		return "ok"
	}
	for _, r := range results {
		if errors.Is(err, r.kind) {
			return r.word
		}
	}
	return "other"
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
