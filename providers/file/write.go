//go:build unix

package file

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/keyrotate/rotate/providers"
)

// Write implements providers.Store. What fails before the rename leaves the
// head alone; what fails after it is ErrUnclear.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer dress(&err, "write", name)
	p, err := s.enter(ctx, name, true)
	if err != nil {
		return providers.Revision{}, err
	}
	if err := s.outOfGit(ctx, name); err != nil {
		return providers.Revision{}, err
	}
	home, p, err := p.hold()
	if err != nil {
		return providers.Revision{}, err
	}
	defer home.Close()
	defer byName(&err)
	unlock, err := lock(ctx, p.lock)
	if err != nil {
		return providers.Revision{}, err
	}
	defer unlock()
	old, err := s.locked(p, after)
	if err != nil {
		return providers.Revision{}, err
	}
	return s.swap(ctx, home, p, old, v.Reveal(), n)
}

// locked returns the head, the zero revision if nothing was ever stored, and
// ErrConflict if it is another than the caller saw. It also clears the text
// that a killed writer left: it may hold keys. The caller holds the lock.
func (s *store) locked(p place, saw providers.RevisionID) (providers.Revision, error) {
	if err := remove(p.temp); err != nil {
		return providers.Revision{}, err
	}
	head, err := s.head(p)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		return providers.Revision{}, err
	}
	// guard incident 33: a cut text is not what was read, and not written over
	if head.ID != saw {
		return providers.Revision{}, &providers.Error{Kind: providers.ErrConflict}
	}
	return head, nil
}

// swap replaces the head old and then its witness. The caller holds the lock.
//
// The witness comes second. Were it first, a crash between the two would leave
// a witness of something that never was: after a create the store would say
// that a truth was lost, after an update that a backup was restored. As it is,
// the crash leaves a witness one write behind, and the next write mends it.
//
// All of it, and the lock, is in the folder home, wherever that is by now. What was
// written in a folder that is not in its place any more counts as unclear.
func (s *store) swap(ctx context.Context, home *os.File, p place, old providers.Revision, text []byte, n providers.Note) (providers.Revision, error) {
	rev := providers.Revision{ID: idOf(text), Value: providers.NewSecret(text), Note: n}
	w := next(old, rev)
	rev.Witness = providers.Note(w.Newest)
	sidecar, err := json.Marshal(w)
	if err != nil {
		return providers.Revision{}, err
	}
	if rev.Created, err = fill(p.temp, text, s.mode, s.gid); err != nil {
		return providers.Revision{}, err
	}
	if ctx.Err() != nil { // the last moment to stop
		_ = os.Remove(p.temp) // if this fails, the next call clears it
		return providers.Revision{}, ended(ctx)
	}
	if err := stillThere(home); err != nil {
		_ = os.Remove(p.temp)
		return providers.Revision{}, err
	}
	// guard incident 33: a text is made beside the head and renamed
	if renamed, err := replace(p.temp, p.head); err != nil {
		if renamed {
			return providers.Revision{}, unclear(err)
		}
		return providers.Revision{}, err
	}
	if err := stillThere(home); err != nil {
		return providers.Revision{}, unclear(err)
	}
	if _, err := fill(p.temp, sidecar, 0o600, -1); err != nil {
		return providers.Revision{}, unclear(err)
	}
	if _, err := replace(p.temp, p.witness); err != nil {
		return providers.Revision{}, unclear(err)
	}
	return rev, nil
}

// Erase implements providers.Store. The rename of the next write has unlinked
// what is superseded; left is only what a killed writer did not get to.
func (s *store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer dress(&err, "erase", name)
	p, err := s.enter(ctx, name, false)
	if err != nil {
		return providers.Erasure{}, err
	}
	unlock, err := lock(ctx, p.lock)
	if err != nil {
		return providers.Erasure{}, err
	}
	defer unlock()
	if _, err := s.locked(p, head); err != nil {
		return providers.Erasure{}, err
	}
	if id == head {
		return providers.Erasure{}, &providers.Error{Kind: providers.ErrConflict}
	}
	return providers.Erasure{How: providers.Unlinked}, nil
}
