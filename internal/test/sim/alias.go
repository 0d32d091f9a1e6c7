package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// aliased is a service like Google Secret Manager: numbered versions, and a
// secret whose alias and annotations change only under the etag that was read.
type aliased struct {
	now      func() time.Time
	versions []*version // by number, from 1; nil once destroyed
	etag     int
	alias    int // number of the head, 0 for none
	witness  providers.Note
	lost     bool
	heads    []int // that rotate made
}

func (b *aliased) client(c caller) providers.Store { return &aliasClient{b: b, c: c} }

func number(n int) providers.RevisionID {
	if n == 0 {
		return ""
	}
	return providers.RevisionID(fmt.Sprintf("%d", n))
}

func (b *aliased) put(v providers.Secret, n providers.Note) int {
	seq := len(b.versions) + 1
	b.versions = append(b.versions, &version{seq: seq, Revision: providers.Revision{ID: number(seq), Value: v, Note: n, Created: b.now()}})
	return seq
}

func (b *aliased) at(n int) *version {
	if n < 1 || n > len(b.versions) {
		return nil
	}
	return b.versions[n-1]
}

func (b *aliased) head() (providers.Revision, bool) {
	v := b.at(b.alias)
	if v == nil || b.lost {
		return providers.Revision{}, false
	}
	r := v.Revision
	r.Service, r.Witness = b.now(), b.witness
	return r, true
}

func (b *aliased) readable() (revs []providers.Revision) {
	for _, v := range b.versions {
		if v != nil && !b.lost {
			revs = append(revs, v.Revision)
		}
	}
	return revs
}

func (b *aliased) point(n int) { b.alias, b.etag = n, b.etag+1 }

// rollback adds an old value once more. Pointing the alias back to its version
// would let a rotator go on that read it before and looks only now.
func (b *aliased) rollback(steps int) bool {
	if len(b.heads) <= steps || b.at(b.heads[len(b.heads)-1-steps]) == nil {
		return false
	}
	b.tamper(b.at(b.heads[len(b.heads)-1-steps]).Value.Reveal())
	return true
}

func (b *aliased) tamper(value []byte) {
	b.point(b.put(providers.NewSecret(value), providers.Note{}))
}

func (b *aliased) usurp(value []byte) { b.point(b.put(providers.NewSecret(value), usurper)) }

func (b *aliased) lose() { b.lost = true; b.etag++ }
func (b *aliased) restore() {
	b.lost = false
	if len(b.heads) > 0 {
		b.point(b.heads[len(b.heads)-1])
	}
}

type aliasClient struct {
	b *aliased
	c caller
}

func (s *aliasClient) Traits() providers.Traits { return traits(Alias, providers.Destroyed) }

func (s *aliasClient) Read(context.Context, string) (rev providers.Revision, err error) {
	err = s.c.call("read", providers.ErrUnavailable, func() error {
		r, ok := s.b.head()
		switch {
		case !ok && (s.b.alias != 0 || s.b.lost):
			return failure("read", providers.ErrUnreadable, "destroyed")
		case !ok:
			return failure("read", providers.ErrNotFound, "")
		}
		rev = r
		return nil
	})
	return reply(rev, err)
}

// Write takes the etag with a nonce, adds a version, and commits by moving the
// alias under that etag. Only the last call moves the head.
func (s *aliasClient) Write(_ context.Context, _ string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	etag := 0
	if err := s.c.call("write: look", providers.ErrUnavailable, func() error {
		if number(s.b.alias) != after || s.b.lost {
			return failure("write", providers.ErrConflict, "")
		}
		etag = s.b.etag
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	if err := s.c.call("write: nonce", providers.ErrUnavailable, func() error {
		if s.b.etag != etag {
			return failure("write", providers.ErrConflict, "")
		}
		s.b.etag++
		etag = s.b.etag
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	made := 0
	if err := s.c.call("write: add", providers.ErrUnavailable, func() error {
		made = s.b.put(v, n)
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	err = s.c.call("write: point", providers.ErrUnclear, func() error {
		if s.b.etag != etag {
			return failure("write", providers.ErrConflict, "")
		}
		s.b.point(made)
		s.b.heads = append(s.b.heads, made)
		s.b.witness = s.b.witness.Newest(n)
		rev = s.b.at(made).Revision
		rev.Service = s.b.now()
		return nil
	})
	return reply(rev, err)
}

func (s *aliasClient) History(context.Context, string) (revs []providers.Revision, err error) {
	err = s.c.call("history", providers.ErrUnavailable, func() error {
		for i := 1; i <= s.b.alias; i++ {
			if v := s.b.at(i); v != nil {
				revs = append(revs, v.bare(s.b.now()))
			}
		}
		return nil
	})
	return reply(revs, err)
}

// Erase never reaches the alias or beyond: a rotator only ever moves it on.
func (s *aliasClient) Erase(_ context.Context, _ string, id, head providers.RevisionID) (providers.Erasure, error) {
	n := 0
	if _, err := fmt.Sscan(string(id), &n); err != nil {
		return providers.Erasure{}, failure("erase", providers.ErrConflict, "")
	}
	if err := s.c.call("erase: look", providers.ErrUnavailable, func() error {
		if number(s.b.alias) != head || n >= s.b.alias {
			return failure("erase", providers.ErrConflict, "")
		}
		return nil
	}); err != nil {
		return providers.Erasure{}, err
	}
	err := s.c.call("erase: destroy", providers.ErrUnclear, func() error {
		if s.b.at(n) != nil {
			s.b.versions[n-1] = nil
		}
		return nil
	})
	return reply(providers.Erasure{How: providers.Destroyed}, err)
}
