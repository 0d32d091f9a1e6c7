package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Leftover is a place that still shows what its keyset has dropped, or of
// which nobody can tell.
type Leftover struct {
	Store  string // of the key, as the config calls it
	Output string // "" for the key's own store
	Secret string

	Code       LeftCode
	Revisions  []string // LeftReadable: which, sorted
	Generation uint64   // LeftOld: that it shows
	Dropped    uint64   // LeftOld: that dropped what it shows
	Cause      error    // of the others, if not nil
}

// A LeftCode is why a place is named.
type LeftCode string

// The codes.
const (
	LeftReadable   LeftCode = "readable"    // superseded revisions hold what must be gone
	LeftOld        LeftCode = "old"         // what it shows does
	LeftForeign    LeftCode = "foreign"     // what it shows is not of this key
	LeftUnread     LeftCode = "unread"      // what it shows could not be read
	LeftUnlisted   LeftCode = "unlisted"    // what is readable of its past could not be listed
	LeftUnrendered LeftCode = "cannot show" // what it should show cannot be rendered
)

// A Remains is what a look at every place of a target found.
type Remains struct {
	Set   *keyset.Set // that it went by; nil if there is none
	Left  []Leftover  // places that may still show what must be gone
	Pasts []Past      // every place, the key's own secret first
}

// Remains reads every place of a target and names those from which a removed
// key can still be read. It changes and erases nothing; Pass does that.
func (e *Engine) Remains(ctx context.Context, t Target) (Remains, error) {
	p := e.begin(t, Ask{})
	p.readOnly = true
	stop, err := p.read(ctx)
	switch {
	case err != nil:
		return Remains{}, explain(err, t, nil)
	case stop || p.result.Set == nil:
		return Remains{}, nil
	}
	found := Remains{Set: p.result.Set}
	shown, seen := headsOf(ctx, t, found.Set)
	found.Pasts = e.Past(ctx, t, Result{Set: found.Set, Outputs: seen}, true)
	for i, past := range found.Pasts {
		l := Leftover{Store: t.StoreName, Output: past.Name, Secret: past.Secret}
		if i > 0 && shown[i-1].Code != "" {
			l.Code, l.Cause = shown[i-1].Code, shown[i-1].Cause
			l.Generation, l.Dropped = shown[i-1].Generation, found.Set.Dropped
		} else {
			l.superseded(t.Policy, found.Set, past)
		}
		if l.Code != "" {
			found.Left = append(found.Left, l)
		}
	}
	return found, nil
}

// superseded looks for revisions that hold what must be gone.
func (l *Leftover) superseded(p rotation.Policy, set *keyset.Set, past Past) {
	if past.Err != nil {
		l.Code, l.Cause = LeftUnlisted, past.Err
		return
	}
	for i := range past.Revisions[:max(0, len(past.Revisions)-1)] {
		if fate, _ := rotation.FateOf(p, set, past.Content, revision(past.Content, past.Revisions, i)); fate == rotation.MustGo {
			l.Revisions = append(l.Revisions, string(past.Revisions[i].ID))
		}
	}
	if len(l.Revisions) > 0 {
		slices.Sort(l.Revisions)
		l.Code = LeftReadable
	}
}

// headsOf tells of every output what is wrong with the value that it shows; a
// Code of "" if nothing is. seen says which are up to date.
func headsOf(ctx context.Context, t Target, set *keyset.Set) (shown []Leftover, seen []rotation.Output) {
	shown, seen = make([]Leftover, len(t.Outputs)), make([]rotation.Output, len(t.Outputs))
	var wg sync.WaitGroup
	for i, o := range t.Outputs {
		wg.Go(func() {
			limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
			defer cancel()
			shown[i], seen[i] = headOf(limited, t.Policy, o, set)
		})
	}
	wg.Wait()
	return shown, seen
}

func headOf(ctx context.Context, p rotation.Policy, o Output, set *keyset.Set) (l Leftover, seen rotation.Output) {
	var err error
	defer func() {
		if err != nil {
			l = Leftover{Code: LeftUnread, Cause: err}
		}
	}()
	defer bug.Catch(&err)
	seen.Name, seen.Behind = o.Name, rotation.Reason{Code: rotation.OutputOld, Output: o.Name}
	want, err := o.Render(set)
	if err != nil {
		cause := err
		err = nil
		return Leftover{Code: LeftUnrendered, Cause: cause}, seen
	}
	rev, err := o.Store.Read(ctx, o.Secret)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		err = nil
		return l, seen
	case err != nil:
		return l, seen
	case rev.Value.Equal(want):
		seen.Behind = rotation.Reason{}
		return l, seen
	case rev.Note.Lineage != set.Lineage:
		return Leftover{Code: LeftForeign}, seen
	}
	if fate, _ := rotation.FateOf(p, set, o.content(), noted(o.content(), rev.Note)); fate == rotation.MustGo {
		l = Leftover{Code: LeftOld, Generation: rev.Note.Generation}
	}
	return l, seen
}
