package sim

import (
	"context"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// stale is a store whose reads may be as old as it declares.
type stale struct {
	providers.Store
	pl *place
	p  *process
}

func (s stale) Traits() providers.Traits {
	t := s.Store.Traits()
	t.Stale = s.pl.w.script.Stale
	return t
}

func (s stale) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := s.Store.Read(ctx, name)
	if err != nil || s.p.rng.IntN(2) == 0 {
		return rev, err
	}
	asOf := s.pl.w.now.Add(-time.Duration(s.p.rng.Int64N(int64(s.pl.w.script.Stale))))
	for _, h := range slices.Backward(s.pl.past) {
		if !h.at.After(asOf) {
			if h.rev.ID != rev.ID {
				s.pl.w.struck(Stale, s.p)
			}
			h.rev.Service = rev.Service
			return h.rev, nil
		}
	}
	return rev, nil
}
