package main

import (
	"context"
	"sync"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A pacedStore makes no more writes a minute than its traits allow, evenly: after
// a month of downtime hundreds of keys are late at once, and the quota of a
// service is shared with whatever else its account does. A write that waits
// holds its place, so passes wait in turn, and as many at a time as the scheduler
// lets in.
type pacedStore struct {
	providers.Store
	every time.Duration // between two writes

	mu   sync.Mutex
	next time.Time // when the next one may be
}

// paced is s if it sets no bound.
func paced(s providers.Store) providers.Store {
	n := s.Traits().WritesAMinute
	if n == 0 {
		return s
	}
	return &pacedStore{Store: s, every: time.Minute / time.Duration(n)}
}

// unpaced is the store itself, for what its own type can do besides.
func unpaced(s providers.Store) providers.Store {
	if p, ok := s.(*pacedStore); ok {
		return p.Store
	}
	return s
}

// turn waits for the caller's own.
func (s *pacedStore) turn(ctx context.Context) error {
	s.mu.Lock()
	now := time.Now()
	mine := s.next
	if mine.Before(now) {
		mine = now
	}
	s.next = mine.Add(s.every)
	s.mu.Unlock()
	return pause(ctx, mine.Sub(now))
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
