package memory

import (
	"slices"

	"github.com/keyrotate/rotate/providers"
)

// What a person, a backup or another program does to a store from outside. None
// of these is a Write: the witness does not follow.

// Restore makes an old revision the head again, under a new id, as a backup
// does. It reaches revisions that were erased or lost. It tells whether there
// ever was such a revision.
func (s *Store) Restore(name string, id providers.RevisionID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[name]
	if l == nil {
		return false
	}
	i := slices.IndexFunc(l.backup, func(r providers.Revision) bool { return r.ID == id })
	if i < 0 {
		return false
	}
	s.push(l, l.backup[i].Value, l.backup[i].Note)
	return true
}

// Tamper puts another value under the head's note, or a first value without a
// note where there is no head.
func (s *Store) Tamper(name string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.line(name)
	var n providers.Note
	if len(l.live) > 0 {
		n = l.live[len(l.live)-1].Note
	}
	s.push(l, providers.NewSecret(value), n)
}

// Lose deletes a name and all that is under it. Reads are ErrUnreadable from
// then on, because the witness remembers.
func (s *Store) Lose(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[name]; l != nil {
		l.live = nil
	}
}

// Peek returns everything that can still be read, with values, by name: oldest
// first, the head last.
func (s *Store) Peek() map[string][]providers.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]providers.Revision{}
	for name, l := range s.lines {
		if len(l.live) > 0 {
			all[name] = slices.Clone(l.live)
		}
	}
	return all
}
