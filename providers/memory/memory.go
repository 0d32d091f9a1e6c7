// Package memory is the reference Store: the contract of package providers in
// the fewest lines, for tests and simulations. It keeps every revision until it
// is erased and starts no goroutine, so it runs inside testing/synctest.
package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A Store keeps secrets in this process. Safe for concurrent use; sharing the
// pointer is what a second process does with another backend.
type Store struct {
	now   func() time.Time
	stale time.Duration
	max   int

	mu    sync.Mutex
	lines map[string]*line
	made  int // revisions ever made, of all names: an id is never used twice
}

// A line is all that was ever stored under one name.
type line struct {
	live    []providers.Revision // readable, oldest first, the head last; empty once lost
	backup  []providers.Revision // every revision there was, as a backup would have it
	witness providers.Note
}

// An Option changes what New makes.
type Option func(*Store)

// WithClock replaces time.Now as the service's clock.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// WithStale declares a bound and makes every Read as old as the bound allows.
func WithStale(d time.Duration) Option { return func(s *Store) { s.stale = d } }

// WithMaxValue replaces the limit of 64 KiB.
func WithMaxValue(n int) Option { return func(s *Store) { s.max = n } }

// New returns an empty Store.
func New(opts ...Option) *Store {
	s := &Store{now: time.Now, max: 64 << 10, lines: map[string]*line{}}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Traits implements providers.Store.
func (s *Store) Traits() providers.Traits {
	return providers.Traits{
		Type: "memory", MaxValue: s.max, Stale: s.stale, Clock: true, Witness: true, Lists: true,
		Erases:  providers.Destroyed,
		Remains: "Nothing: the process forgets the value.",

		TakesName: takesName, NameRule: "names are 1 to 255 printable ASCII characters",
	}
}

// Read implements providers.Store.
func (s *Store) Read(ctx context.Context, name string) (providers.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.enter(ctx, "read", name)
	switch {
	case err != nil:
		return providers.Revision{}, err
	case l == nil:
		return providers.Revision{}, fail("read", name, providers.ErrNotFound, nil)
	case len(l.live) == 0:
		return providers.Revision{}, fail("read", name, providers.ErrUnreadable, errors.New("deleted from outside"))
	}
	i := len(l.live) - 1
	for asOf := s.now().Add(-s.stale); s.stale > 0 && i > 0 && l.live[i].Created.After(asOf); {
		i--
	}
	return s.answer(l, l.live[i]), nil
}

// Write implements providers.Store.
func (s *Store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.enter(ctx, "write", name)
	switch {
	case err != nil:
		return providers.Revision{}, err
	case l == nil && after == "":
		l = s.line(name)
	case l.head() == "" || l.head() != after: // nothing there, lost, or moved on
		return providers.Revision{}, fail("write", name, providers.ErrConflict, nil)
	}
	l.witness = l.witness.Newest(n)
	return s.answer(l, s.push(l, v, n)), nil
}

// History implements providers.Store.
func (s *Store) History(ctx context.Context, name string) ([]providers.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.enter(ctx, "history", name)
	if err != nil || l == nil {
		return nil, err
	}
	var all []providers.Revision
	for _, r := range l.live {
		r.Value = providers.Secret{}
		all = append(all, s.answer(l, r))
	}
	return all, nil
}

// List implements providers.Lister.
func (s *Store) List(ctx context.Context) ([]providers.Listed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.enter(ctx, "list", ""); err != nil {
		return nil, err
	}
	var all []providers.Listed
	for _, name := range slices.Sorted(maps.Keys(s.lines)) {
		l := s.lines[name]
		found := providers.Listed{Name: name, Note: l.witness, Created: l.backup[0].Created}
		if n := len(l.live); n > 0 {
			found.Written, found.Size = l.live[n-1].Created, l.live[n-1].Value.Len()
		}
		all = append(all, found)
	}
	return all, nil
}

// Erase implements providers.Store.
func (s *Store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.enter(ctx, "erase", name)
	switch {
	case err != nil:
		return providers.Erasure{}, err
	case l.head() == "" || l.head() != head || id == head:
		return providers.Erasure{}, fail("erase", name, providers.ErrConflict, nil)
	}
	l.live = slices.DeleteFunc(l.live, func(r providers.Revision) bool { return r.ID == id })
	return providers.Erasure{How: providers.Destroyed}, nil
}

// enter begins every call: it finds the line, nil if there never was one.
func (s *Store) enter(ctx context.Context, op, name string) (*line, error) {
	if ctx.Err() != nil {
		return nil, fail(op, name, providers.ErrUnavailable, context.Cause(ctx))
	}
	return s.lines[name], nil
}

// takesName takes 1 to 255 bytes of printable ASCII.
func takesName(name string) bool {
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return 0 < len(name) && len(name) <= 255
}

// push makes a new head.
func (s *Store) push(l *line, v providers.Secret, n providers.Note) providers.Revision {
	s.made++
	r := providers.Revision{ID: providers.RevisionID(fmt.Sprintf("r%06d", s.made)), Value: v, Note: n, Created: s.now()}
	l.live = append(l.live, r)
	l.backup = append(l.backup, r)
	return r
}

// line finds the line of a name, or starts it.
func (s *Store) line(name string) *line {
	if s.lines[name] == nil {
		s.lines[name] = &line{}
	}
	return s.lines[name]
}

// answer adds what the service says at the time of the call.
func (s *Store) answer(l *line, r providers.Revision) providers.Revision {
	r.Witness, r.Service = l.witness, s.now()
	return r
}

// head is the id of the head, "" if there is none.
func (l *line) head() providers.RevisionID {
	if l == nil || len(l.live) == 0 {
		return ""
	}
	return l.live[len(l.live)-1].ID
}

func fail(op, name string, kind, err error) error {
	return &providers.Error{Op: op, Name: name, Kind: kind, Err: err}
}
