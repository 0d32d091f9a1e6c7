package stores

import (
	"context"
	"sync"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// ahead is how long a store has to be left alone until all the writes that would
// have come evenly in that time may come together: one key is rotated without a
// wait where the quota has the room (AWS: 10 writes, Azure: 12), and where it is
// narrow (Google: one in three seconds) none comes early.
const ahead = 4 * time.Second

// A pacedStore makes no more writes in a minute than its traits allow, evenly but
// for what may come at once: after a month of downtime hundreds of keys are late
// together, and the quota of a service is shared with whatever else its account
// does. A write that waits holds its place, so passes wait in turn, and as many at
// a time as the scheduler lets in.
type pacedStore struct {
	providers.Store
	every time.Duration // between two writes
	early time.Duration // how long before its time a write may be

	mu   sync.Mutex
	next time.Time // when the next one is due
}

// paced is s if it sets no bound.
func paced(s providers.Store) providers.Store {
	limit := s.Traits().WritesAMinute
	if limit == 0 {
		return s
	}
	together := max(1, limit*int(ahead/time.Second)/60)
	// A minute has at most those that come together and those that come evenly
	// after them until it is over: the distance of these is rounded up.
	every := time.Minute/time.Duration(limit+1-together) + 1
	return &pacedStore{Store: s, every: every, early: time.Duration(together-1) * every}
}

// Unwrap implements providers.Wrapper.
func (s *pacedStore) Unwrap() providers.Store { return s.Store }

// turn waits for the caller's own.
func (s *pacedStore) turn(ctx context.Context) error {
	s.mu.Lock()
	now := time.Now()
	mine := s.next
	if first := now.Add(-s.early); mine.Before(first) {
		mine = first
	}
	s.next = mine.Add(s.every)
	s.mu.Unlock()
	timer := time.NewTimer(mine.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Write implements providers.Store.
func (s *pacedStore) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	if err := s.turn(ctx); err != nil {
		return providers.Revision{}, &providers.Error{Op: "write", Name: name, Kind: providers.ErrUnavailable, Err: err}
	}
	return s.Store.Write(ctx, name, v, after, n)
}

// Erase implements providers.Store.
func (s *pacedStore) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	if err := s.turn(ctx); err != nil {
		return providers.Erasure{}, &providers.Error{Op: "erase", Name: name, Kind: providers.ErrUnavailable, Err: err}
	}
	return s.Store.Erase(ctx, name, id, head)
}
