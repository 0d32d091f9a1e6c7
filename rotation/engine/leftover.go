package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Leftover is a place that still shows what its keyset has dropped, or that
// cannot be shown not to.
type Leftover struct {
	Place string // "the store disk, secret …" or "output …"
	What  string
}

// Leftovers reads every place of a target and names those from which a key that
// was removed can still be read. It changes nothing and erases nothing: that is
// Pass's. It returns the keyset that it went by; nil if there is none.
func (e *Engine) Leftovers(ctx context.Context, t Target) (*keyset.Set, []Leftover, error) {
	p := e.begin(t, Ask{})
	p.readOnly = true
	stop, err := p.read(ctx)
	switch {
	case err != nil:
		return nil, nil, explain(err, t, nil)
	case stop || p.result.Set == nil:
		return nil, nil, nil
	}
	set := p.result.Set
	found := make([]string, 1+len(t.Outputs))
	var wg sync.WaitGroup
	look := func(at int, held func() string) {
		wg.Go(func() {
			var err error
			defer func() {
				if err != nil {
					found[at] = "it may hold them: " + err.Error()
				}
			}()
			defer bug.Catch(&err)
			found[at] = held()
		})
	}
	look(0, func() string { return superseded(ctx, t.Store, t.Secret, set, true) })
	for i, o := range t.Outputs {
		look(i+1, func() string {
			limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
			defer cancel()
			return heldBy(limited, o, set)
		})
	}
	wg.Wait()
	var left []Leftover
	for i, what := range found {
		at := fmt.Sprintf("store %s, secret %s", t.StoreName, t.Secret)
		if i > 0 {
			at = fmt.Sprintf("output %s, secret %s", t.Outputs[i-1].Name, t.Outputs[i-1].Secret)
		}
		if what != "" {
			left = append(left, Leftover{Place: at, What: what})
		}
	}
	return set, left, nil
}

// heldBy says what an output still holds of keys that are gone.
func heldBy(ctx context.Context, o Output, set *keyset.Set) string {
	want, err := o.Render(set)
	if err != nil {
		return "it cannot be brought up to date: " + err.Error()
	}
	rev, err := o.Store.Read(ctx, o.Secret)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return ""
	case err != nil:
		return "it may hold them: " + err.Error()
	case !rev.Value.Equal(want) && rev.Note.Lineage == set.Lineage && rev.Note.Generation < set.Dropped:
		return fmt.Sprintf("its value is of generation %d, and what was removed left at generation %d", rev.Note.Generation, set.Dropped)
	case !rev.Value.Equal(want) && rev.Note.Lineage != set.Lineage:
		return "it may hold them: its value is not one that rotate wrote for this key"
	}
	return superseded(ctx, o.Store, o.Secret, set, false)
}

// superseded lists the revisions below the head that hold what is gone. mine
// says that nothing but the keyset is ever there.
func superseded(ctx context.Context, s providers.Store, name string, set *keyset.Set, mine bool) string {
	revs, err := s.History(ctx, name)
	if err != nil {
		return "what can be read of its past could not be listed: " + err.Error()
	}
	var ids []string
	for _, rev := range revs[:max(0, len(revs)-1)] {
		if rev.Note.Generation < set.Dropped && (mine || rev.Note.Lineage == set.Lineage) {
			ids = append(ids, string(rev.ID))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	slices.Sort(ids)
	return "these superseded revisions can still be read: " + strings.Join(ids, ", ")
}
