package stores

import (
	"context"
	"slices"
	"sync"
)

// Calls are those of one command or daemon that have not come back. A call is
// given up when its context ends, but a file system or an adapter may not heed
// that: then Hanging tells what holds the process. Safe for concurrent use.
type Calls struct {
	mu   sync.Mutex
	open map[*string]func() string
}

type callsKey struct{}

// Watch has the calls with the context be known to Calls.
func Watch(ctx context.Context) (context.Context, *Calls) {
	c := &Calls{open: map[*string]func() string{}}
	return context.WithValue(ctx, callsKey{}, c), c
}

// Begin notes a call, in words that name the key, the store and what is done, until
// end is called. If nobody watches, it does nothing.
func Begin(ctx context.Context, what func() string) (end func()) {
	c, ok := ctx.Value(callsKey{}).(*Calls)
	if !ok {
		return func() {}
	}
	id := new(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[id] = what
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, id)
	}
}

// Hanging names the calls that have not come back, in order.
func (c *Calls) Hanging() (calls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, what := range c.open {
		calls = append(calls, what())
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}
