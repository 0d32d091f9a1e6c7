package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// labelled is a service like AWS Secrets Manager: versions are put under a
// label of their own, and become the head when the label "current" is moved to
// them away from the version that it is expected on. What has lost its own
// label is not listed any more.
type labelled struct {
	now      func() time.Time
	versions []*version
	own      map[providers.RevisionID]bool // carries its private label
	current  providers.RevisionID
	before   providers.RevisionID // AWSPREVIOUS follows by itself
	lost     bool
	heads    []providers.RevisionID // that rotate made
}

func (b *labelled) client(c caller) providers.Store { return &labelClient{b: b, c: c} }

func (b *labelled) find(id providers.RevisionID) *version {
	i := slices.IndexFunc(b.versions, func(v *version) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	return b.versions[i]
}

func (b *labelled) put(v providers.Secret, n providers.Note) *version {
	seq := len(b.versions) + 1
	made := &version{seq: seq, Revision: providers.Revision{ID: providers.RevisionID(fmt.Sprintf("token-%d", seq)), Value: v, Note: n, Created: b.now()}}
	b.versions = append(b.versions, made)
	if b.own == nil {
		b.own = map[providers.RevisionID]bool{}
	}
	b.own[made.ID] = true
	return made
}

func (b *labelled) move(to providers.RevisionID) {
	if b.current != to {
		b.before, b.current = b.current, to
	}
}

func (b *labelled) head() (providers.Revision, bool) {
	v := b.find(b.current)
	if v == nil || b.lost {
		return providers.Revision{}, false
	}
	r := v.Revision
	r.Service, r.Witness = b.now(), v.Note
	if p := b.find(b.before); p != nil {
		r.Witness = v.Note.Newest(p.Note)
	}
	return r, true
}

func (b *labelled) readable() (revs []providers.Revision) {
	if b.lost {
		return nil
	}
	for _, v := range b.versions {
		if v.ID == b.current || b.own[v.ID] {
			revs = append(revs, v.Revision)
		}
	}
	return revs
}

// rollback puts an old value once more. Moving the label back to its version
// would let a rotator that is paused in a move from there go on: no call of AWS
// tells that the label was away in between.
func (b *labelled) rollback(steps int) bool {
	if len(b.heads) <= steps {
		return false
	}
	b.tamper(b.find(b.heads[len(b.heads)-1-steps]).Value.Reveal())
	return true
}

func (b *labelled) tamper(value []byte) {
	b.move(b.put(providers.NewSecret(value), providers.Note{}).ID)
}

func (b *labelled) usurp(value []byte) { b.move(b.put(providers.NewSecret(value), usurper).ID) }

func (b *labelled) lose() { b.lost = true }
func (b *labelled) restore() {
	b.lost = false
	if len(b.heads) > 0 {
		b.move(b.heads[len(b.heads)-1])
	}
}

type labelClient struct {
	b *labelled
	c caller
}

func (s *labelClient) Traits() providers.Traits { return traits(Label, providers.Unlabelled) }

func (s *labelClient) Read(_ context.Context, _ string) (rev providers.Revision, err error) {
	err = s.c.call("read", providers.ErrUnavailable, func() error {
		r, ok := s.b.head()
		switch {
		case len(s.b.versions) == 0:
			return failure("read", providers.ErrNotFound, "")
		case !ok:
			return failure("read", providers.ErrUnreadable, "deleted")
		}
		rev = r
		return nil
	})
	return reply(rev, err)
}

// Write puts, then moves. A put that got no reply moved nothing. Nobody
// finishes another's move: it would undo a rollback that a person made.
func (s *labelClient) Write(_ context.Context, _ string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	if after == "" {
		err = s.c.call("write: create", providers.ErrUnclear, func() error {
			if len(s.b.versions) > 0 {
				return failure("write", providers.ErrConflict, "")
			}
			made := s.b.put(v, n)
			s.b.current = made.ID
			s.b.heads = append(s.b.heads, made.ID)
			rev = made.Revision
			return nil
		})
		return reply(rev, err)
	}
	var made *version
	if err := s.c.call("write: put", providers.ErrUnavailable, func() error {
		made = s.b.put(v, n)
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	err = s.c.call("write: move", providers.ErrUnclear, func() error {
		if s.b.current != after || s.b.lost {
			return failure("write", providers.ErrConflict, "")
		}
		s.b.move(made.ID)
		s.b.heads = append(s.b.heads, made.ID)
		rev = made.Revision
		rev.Service = s.b.now()
		return nil
	})
	return reply(rev, err)
}

// History lists in the order of creation; a version that never became the head
// stands among them and is swept with them.
func (s *labelClient) History(context.Context, string) (revs []providers.Revision, err error) {
	err = s.c.call("history", providers.ErrUnavailable, func() error {
		head := s.b.find(s.b.current)
		for _, v := range s.b.versions {
			if head != nil && v != head && s.b.own[v.ID] && (v.seq < head.seq || v.Note.Generation < head.Note.Generation) {
				revs = append(revs, v.bare(s.b.now()))
			}
		}
		if head != nil {
			revs = append(revs, head.bare(s.b.now()))
		}
		return nil
	})
	return reply(revs, err)
}

func (s *labelClient) Erase(_ context.Context, _ string, id, head providers.RevisionID) (providers.Erasure, error) {
	if err := s.c.call("erase: look", providers.ErrUnavailable, func() error {
		if s.b.current != head || id == head {
			return failure("erase", providers.ErrConflict, "")
		}
		return nil
	}); err != nil {
		return providers.Erasure{}, err
	}
	err := s.c.call("erase: unlabel", providers.ErrUnclear, func() error {
		delete(s.b.own, id)
		return nil
	})
	return reply(providers.Erasure{How: providers.Unlabelled}, err)
}
