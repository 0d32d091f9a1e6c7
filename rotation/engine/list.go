package engine

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Kind says what stands under a name of a store.
type Kind string

// The kinds.
const (
	KindKeyset  Kind = "keyset"  // the truth of a key
	KindOutput  Kind = "output"  // a rendering that rotate wrote
	KindRemoved Kind = "removed" // what a key has left that was removed
	KindOther   Kind = "other"   // rotate did not write it
	KindUnread  Kind = "unknown" // it could not be read: see Found.Err
)

// A Found is one name of a store and what stands there.
type Found struct {
	providers.Listed
	Kind Kind
	Set  *keyset.Set // of a keyset, or of an output that shows one; nil where there is none
	Err  error       // why it could not be read, or why the keyset there cannot be trusted
}

// listReads is how many names are read at the same time.
const listReads = 8

// errNoList says that a store has no listing.
var errNoList = errors.New("this type of store does not list its names")

// List tells what stands under each name of a store, in the order of the names. It reads
// what rotate may have written, and no value that the listing shows to be somebody
// else's. It changes nothing.
func List(ctx context.Context, s providers.Store) ([]Found, error) {
	l, ok := providers.As[providers.Lister](s)
	if !ok {
		return nil, errNoList
	}
	names, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Found, len(names))
	slots := make(chan struct{}, listReads)
	var reads sync.WaitGroup
	for i, name := range names {
		reads.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i] = identify(ctx, s, name)
		})
	}
	reads.Wait()
	return slices.DeleteFunc(all, func(f Found) bool { return errors.Is(f.Err, providers.ErrNotFound) }), nil
}

// identify tells what stands under a name.
func identify(ctx context.Context, s providers.Store, name providers.Listed) (f Found) {
	f = Found{Listed: name, Kind: KindUnread}
	switch {
	case name.Output:
		f.Kind = KindOutput
		return f
	case !name.Untold && name.Note == (providers.Note{}):
		f.Kind = KindOther
		return f
	}
	defer bug.Catch(&f.Err)
	rev, err := s.Read(ctx, name.Name)
	if f.Err = err; err != nil {
		return f
	}
	f.Size, f.Note = rev.Value.Len(), f.Note.Newest(rev.Note)
	if f.Written.IsZero() {
		f.Written = rev.Created
	}
	text := bytes.TrimSpace(rev.Value.Reveal())
	set, err := keyset.Parse(text)
	switch {
	case err == nil && set.Removed != nil:
		f.Kind, f.Set = KindRemoved, set
	case err == nil && set.Write != "": // a rendering has none
		f.Kind, f.Set = KindKeyset, set
	case err == nil:
		f.Kind, f.Set = KindOutput, set
	case bytes.Contains(text, []byte(keyset.Schema)): // it was changed, or cut
		f.Kind, f.Err = KindKeyset, err
	case f.Note != (providers.Note{}):
		f.Kind = KindOutput
	default:
		f.Kind = KindOther
	}
	return f
}
