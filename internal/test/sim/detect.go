package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// settleTime is how long the creation times of the service, whole seconds, can
// still be shared by a version that is on its way.
const settleTime = 2 * time.Second

// detected is a service like Azure Key Vault: anyone can add a version, none
// can be refused. The head follows from the tags: each version names its
// parent, and of a parent's children the oldest counts, the smaller id of two
// of the same second. Applications read the newest version there is, so after a
// race the winner's value is put once more, tagged as a copy.
type detected struct {
	now      func() time.Time
	versions []*tagged
	children map[providers.RevisionID][]*tagged // copies left out
	line     []*tagged                          // the chain, nil after a change
	witness  providers.Note                     // the newest note in it
	lost     bool
}

type tagged struct {
	version
	parent   providers.RevisionID
	copyOf   providers.RevisionID
	disabled bool
}

func (b *detected) client(c caller) providers.Store { return &detectClient{b: b, c: c} }

// chain is the line of heads, oldest first.
func (b *detected) chain() []*tagged {
	if b.line != nil {
		return b.line
	}
	b.witness = providers.Note{} // of a loser nothing stays
	for next := b.children[""]; len(next) > 0; {
		winner := next[0]
		for _, v := range next {
			if v.older(winner) {
				winner = v
			}
		}
		b.line = append(b.line, winner)
		b.witness = b.witness.Newest(winner.Note)
		next = b.children[winner.ID]
	}
	return b.line
}

func (v *tagged) older(o *tagged) bool {
	if d := v.Created.Truncate(time.Second).Compare(o.Created.Truncate(time.Second)); d != 0 {
		return d < 0
	}
	return v.ID < o.ID
}

func (b *detected) add(v providers.Secret, n providers.Note, parent, copyOf providers.RevisionID) *tagged {
	seq := len(b.versions) + 1
	// Ids are random; a fixed mixing keeps them so and a run exact.
	made := &tagged{parent: parent, copyOf: copyOf, version: version{seq: seq, Revision: providers.Revision{
		ID: providers.RevisionID(fmt.Sprintf("%08x", uint32(seq)*2654435761)), Value: v, Note: n, Created: b.now(), //nolint:gosec // wraps on purpose
	}}}
	b.versions = append(b.versions, made)
	if copyOf == "" {
		if b.children == nil {
			b.children = map[providers.RevisionID][]*tagged{}
		}
		b.children[parent] = append(b.children[parent], made)
		b.line = nil
	}
	return made
}

func (b *detected) truth() *tagged {
	line := b.chain()
	if len(line) == 0 {
		return nil
	}
	return line[len(line)-1]
}

// settled tells whether no older sibling of a version can appear any more.
func (b *detected) settled(v *tagged) bool {
	return !b.now().Before(v.Created.Truncate(time.Second).Add(settleTime))
}

// unsettled tells whether the head may yet turn out to be another.
func (b *detected) unsettled() bool {
	t := b.truth()
	return t != nil && !b.settled(t)
}

func (b *detected) newest() *tagged {
	if len(b.versions) == 0 {
		return nil
	}
	return b.versions[len(b.versions)-1]
}

// repaired tells whether applications, which read the newest version, read the
// truth.
func (b *detected) repaired() bool {
	t, n := b.truth(), b.newest()
	return t == nil || n == t || n.copyOf == t.ID && !n.disabled
}

func (b *detected) head() (providers.Revision, bool) {
	line := b.chain()
	for len(line) > 0 && !b.settled(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	if len(line) == 0 || line[len(line)-1].disabled || b.lost {
		return providers.Revision{}, false
	}
	r := line[len(line)-1].Revision
	r.Service, r.Witness = b.now(), b.witness
	return r, true
}

func (b *detected) readable() (revs []providers.Revision) {
	for _, v := range b.versions {
		if !v.disabled && !b.lost {
			revs = append(revs, v.Revision)
		}
	}
	return revs
}

// What people do to it from outside is left to the adapter's own tests: how a
// version without tags reads is not decided by the shape.
func (b *detected) rollback(int) bool { return false }
func (b *detected) tamper([]byte)     {}
func (b *detected) usurp([]byte)      {}
func (b *detected) lose()             { b.lost = true }
func (b *detected) restore()          { b.lost = false }

type detectClient struct {
	b *detected
	c caller
}

func (s *detectClient) Traits() providers.Traits { return traits(Detect, providers.Disabled) }

// Read waits until the head is settled: a younger one may yet lose, and what
// was built on it with it.
func (s *detectClient) Read(context.Context, string) (rev providers.Revision, err error) {
	young := true
	for tries := 0; young && err == nil && tries < 5; tries++ {
		if tries > 0 {
			s.c.sleep(settleTime)
		}
		rev, young, err = s.list()
	}
	if young && err == nil {
		err = failure("read", providers.ErrUnavailable, "others are writing all the time")
	}
	if err != nil || s.b.repaired() { // seen in the same listing
		return reply(rev, err)
	}
	return reply(rev, s.repair(rev))
}

func (s *detectClient) list() (rev providers.Revision, young bool, err error) {
	err = s.c.call("read", providers.ErrUnavailable, func() error {
		if young = s.b.unsettled(); young {
			return nil
		}
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
	return rev, young, err
}

// repair puts the winner's value once more, so that it is the newest.
func (s *detectClient) repair(winner providers.Revision) error {
	return s.c.call("repair", providers.ErrUnavailable, func() error {
		if s.b.lost {
			return failure("repair", providers.ErrUnavailable, "deleted")
		}
		if !s.b.repaired() && s.b.truth().ID == winner.ID {
			s.b.add(winner.Value, winner.Note, "", winner.ID)
		}
		return nil
	})
}

// Write adds a child of the base. It is the head if it is still the oldest
// child once no older one can appear any more.
func (s *detectClient) Write(_ context.Context, _ string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	if err := s.c.call("write: list", providers.ErrUnavailable, func() error {
		if t := s.b.truth(); s.b.lost || t == nil && after != "" || t != nil && t.ID != after {
			return failure("write", providers.ErrConflict, "")
		}
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	var made *tagged
	if err := s.c.call("write: set", providers.ErrUnclear, func() error {
		if s.b.lost { // Azure refuses to set what is deleted: 409, see internal/test/azurefake
			return failure("write", providers.ErrConflict, "deleted")
		}
		made = s.b.add(v, n, after, "")
		return nil
	}); err != nil {
		return providers.Revision{}, err
	}
	s.c.sleep(settleTime)
	err = s.c.call("write: list again", providers.ErrUnclear, func() error {
		if !slices.Contains(s.b.chain(), made) {
			return failure("write", providers.ErrConflict, "")
		}
		rev = made.Revision
		rev.Service = s.b.now()
		return nil
	})
	return reply(rev, err)
}

func (s *detectClient) History(context.Context, string) (revs []providers.Revision, err error) {
	err = s.c.call("history", providers.ErrUnavailable, func() error {
		t := s.b.truth()
		for _, v := range s.b.versions {
			if t != nil && v != t && v.copyOf != t.ID && !v.disabled && v.seq < s.b.newest().seq {
				revs = append(revs, v.bare(s.b.now()))
			}
		}
		if t != nil {
			revs = append(revs, t.bare(s.b.now()))
		}
		return nil
	})
	return reply(revs, err)
}

func (s *detectClient) Erase(_ context.Context, _ string, id, head providers.RevisionID) (providers.Erasure, error) {
	if err := s.c.call("erase: list", providers.ErrUnavailable, func() error {
		if t := s.b.truth(); t == nil || t.ID != head || id == head {
			return failure("erase", providers.ErrConflict, "")
		}
		return nil
	}); err != nil {
		return providers.Erasure{}, err
	}
	err := s.c.call("erase: disable", providers.ErrUnclear, func() error {
		if s.b.lost {
			return failure("erase", providers.ErrUnavailable, "deleted")
		}
		for _, v := range s.b.versions {
			if v.ID == id {
				v.disabled = true
			}
		}
		return nil
	})
	return reply(providers.Erasure{How: providers.Disabled}, err)
}
