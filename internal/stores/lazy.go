package stores

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/providers"
)

// An Opener opens a store, as a Config does.
type Opener func(context.Context) (providers.Store, error)

// A Lazy store opens its backend at the first call, and tries again at the next
// one if that fails: a store that is down at the start of a daemon delays its
// own keys and no others, and comes to them when it is back. It is checked and
// paced. Safe for concurrent use.
type Lazy struct {
	kind   string
	opener Opener
	turn   chan struct{} // held while opening
	ready  chan struct{} // closed once store is set
	store  providers.Store
}

// NewLazy is a store of a type, which nobody has opened yet.
func NewLazy(kind string, opener Opener) *Lazy {
	return &Lazy{kind: kind, opener: opener, turn: make(chan struct{}, 1), ready: make(chan struct{})}
}

// Open opens the backend, if that is not done yet, and returns it with its checks
// and its pace.
func (l *Lazy) Open(ctx context.Context) (providers.Store, error) {
	select {
	case <-l.ready:
		return l.store, nil
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, notOpen(l.kind, context.Cause(ctx))
	}
	defer func() { <-l.turn }()
	select {
	case <-l.ready: // someone opened it while we waited
		return l.store, nil
	default:
	}
	s, err := l.opener(ctx)
	if err != nil {
		return nil, notOpen(l.kind, err)
	}
	l.store = providers.Checked(paced(s))
	close(l.ready)
	return l.store, nil
}

// notOpen keeps an error of opening from being taken for one of a name: a store
// that cannot be opened is never an empty one.
func notOpen(kind string, err error) error {
	for _, fine := range []error{providers.ErrUnsafe, providers.ErrUnset, providers.ErrDenied, providers.ErrThrottled, providers.ErrUnavailable} {
		if errors.Is(err, fine) {
			return err
		}
	}
	return &providers.Error{Op: "open", Name: kind, Kind: providers.ErrUnavailable, Err: errors.New(fmt.Sprint(err))}
}

// Unwrap implements providers.Wrapper.
func (l *Lazy) Unwrap() providers.Store {
	select {
	case <-l.ready:
		return l.store
	default:
		return nil
	}
}

// Traits implements providers.Store. Before the store is open only its type is
// known, and nothing but its errors is acted on.
func (l *Lazy) Traits() providers.Traits {
	if s := l.Unwrap(); s != nil {
		return s.Traits()
	}
	return providers.Traits{Type: l.kind}
}

// Read implements providers.Store.
func (l *Lazy) Read(ctx context.Context, name string) (providers.Revision, error) {
	s, err := l.Open(ctx)
	if err != nil {
		return providers.Revision{}, err
	}
	return s.Read(ctx, name)
}

// Write implements providers.Store.
func (l *Lazy) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	s, err := l.Open(ctx)
	if err != nil {
		return providers.Revision{}, err
	}
	return s.Write(ctx, name, v, after, n)
}

// History implements providers.Store.
func (l *Lazy) History(ctx context.Context, name string) ([]providers.Revision, error) {
	s, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	return s.History(ctx, name)
}

// Erase implements providers.Store.
func (l *Lazy) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	s, err := l.Open(ctx)
	if err != nil {
		return providers.Erasure{}, err
	}
	return s.Erase(ctx, name, id, head)
}
