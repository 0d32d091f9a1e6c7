package vaultkv

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// known is what lies beside a revision: as this process has seen it, else as
// read finds it; ErrConflict if it is not there any more.
func (s *store) known(ctx context.Context, name string, id providers.RevisionID, read func(context.Context, string, int) (providers.Revision, error)) (providers.Revision, error) {
	s.mu.Lock()
	seen, ok := s.seen[name][id]
	s.mu.Unlock()
	if ok || id == "" {
		return seen, nil
	}
	number, _, _ := strings.Cut(string(id), "@")
	n, _ := strconv.Atoi(number)
	rev, err := read(ctx, name, n)
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnreadable) || err == nil && rev.ID != id {
		return providers.Revision{}, conflict(err)
	}
	return rev, err
}

// remember keeps what lies beside a value: a revision never changes.
func (s *store) remember(name string, rev providers.Revision) {
	rev.Value = providers.Secret{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[name] == nil {
		s.seen[name] = map[providers.RevisionID]providers.Revision{}
	}
	s.seen[name][rev.ID] = rev
}

// forget drops what is not listed any more.
func (s *store) forget(name string, listed []providers.Revision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := map[providers.RevisionID]providers.Revision{}
	for _, rev := range listed {
		if seen, ok := s.seen[name][rev.ID]; ok {
			kept[rev.ID] = seen
		}
	}
	s.seen[name] = kept
}
