package ops

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/fleet"
)

// AtOnce usually bounds how many keys are worked on at the same time.
const AtOnce = 8

// An Outcome is what came of an operation on one key.
type Outcome[T any] struct {
	Key *fleet.Key
	Got T
	Err error
}

// Each does f for every key, so many at a time, and yields the outcomes in the
// order of the keys, each as soon as those before it are there. A key that fails
// does not keep the others from being done; nor does a panic of f. If the caller
// stops early, what was begun is waited for all the same.
func Each[T any](ctx context.Context, keys []*fleet.Key, atOnce int, f func(context.Context, *fleet.Key) (T, error)) iter.Seq[Outcome[T]] {
	return func(yield func(Outcome[T]) bool) {
		slots := make(chan struct{}, max(1, atOnce))
		outcomes := make([]chan Outcome[T], len(keys))
		var all sync.WaitGroup
		defer all.Wait()
		for i, k := range keys {
			outcomes[i] = make(chan Outcome[T], 1)
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				outcomes[i] <- guarded(ctx, k, f)
			})
		}
		for i := range keys {
			if !yield(<-outcomes[i]) {
				return
			}
		}
	}
}

// guarded does f for one key. A bug that shows there is an error of that key.
func guarded[T any](ctx context.Context, k *fleet.Key, f func(context.Context, *fleet.Key) (T, error)) (o Outcome[T]) {
	o.Key = k
	defer func() {
		if v := recover(); v != nil {
			o.Err = fmt.Errorf("key %s: %w; what the store holds counts", k.Name, bug.Of(v))
		}
	}()
	o.Got, o.Err = f(ctx, k)
	return o
}

// Pause waits for a time, but not longer than for ctx.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
