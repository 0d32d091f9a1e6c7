package sim

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// swapped is a service with a true compare-and-swap: the reference store. As a
// file it keeps one value and tells no time.
type swapped struct {
	store *memory.Store
	file  bool
	heads []providers.RevisionID // that rotate made
}

func newSwap(clock func() time.Time, file bool) *swapped {
	return &swapped{store: memory.New(memory.WithClock(clock)), file: file}
}

func (b *swapped) client(c caller) providers.Store { return &swapClient{b: b, c: c} }

func (b *swapped) head() (providers.Revision, bool) {
	r, err := b.store.Read(context.Background(), secretName)
	return r, err == nil
}

func (b *swapped) readable() []providers.Revision { return b.store.Peek()[secretName] }

func (b *swapped) rollback(steps int) bool {
	return len(b.heads) > steps && b.store.Restore(secretName, b.heads[len(b.heads)-1-steps])
}

func (b *swapped) tamper(value []byte) { b.store.Tamper(secretName, value); b.trim() }
func (b *swapped) usurp(value []byte) {
	r, _ := b.head()
	_, _ = b.store.Write(context.Background(), secretName, providers.NewSecret(value), r.ID, usurper)
	b.trim()
}
func (b *swapped) lose() { b.store.Lose(secretName) }
func (b *swapped) restore() {
	if len(b.heads) > 0 {
		b.rollback(0)
	}
	b.trim()
}

// trim leaves only the head where a value replaces the one before.
func (b *swapped) trim() {
	if !b.file {
		return
	}
	revs := b.readable()
	for i := range len(revs) - 1 {
		_, _ = b.store.Erase(context.Background(), secretName, revs[i].ID, revs[len(revs)-1].ID)
	}
}

type swapClient struct {
	b *swapped
	c caller
}

func (s *swapClient) Traits() providers.Traits {
	if s.b.file {
		t := traits(File, providers.Unlinked)
		t.OneValue, t.Clock = true, false
		return t
	}
	return traits(Swap, providers.Destroyed)
}

// tell hides what a file does not have.
func (s *swapClient) tell(r *providers.Revision) {
	if s.b.file {
		r.Service = time.Time{}
	}
}

func (s *swapClient) Read(_ context.Context, name string) (rev providers.Revision, err error) {
	err = s.c.call("read", providers.ErrUnavailable, func() error {
		rev, err = s.b.store.Read(context.Background(), name)
		return err
	})
	s.tell(&rev)
	return reply(rev, err)
}

func (s *swapClient) Write(_ context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	err = s.c.call("write", providers.ErrUnclear, func() error {
		rev, err = s.b.store.Write(context.Background(), name, v, after, n)
		if err == nil {
			s.b.heads = append(s.b.heads, rev.ID)
			s.b.trim()
		}
		return err
	})
	s.tell(&rev)
	return reply(rev, err)
}

func (s *swapClient) History(_ context.Context, name string) (revs []providers.Revision, err error) {
	err = s.c.call("history", providers.ErrUnavailable, func() error {
		revs, err = s.b.store.History(context.Background(), name)
		return err
	})
	for i := range revs {
		s.tell(&revs[i])
	}
	return reply(revs, err)
}

func (s *swapClient) Erase(_ context.Context, name string, id, head providers.RevisionID) (e providers.Erasure, err error) {
	err = s.c.call("erase", providers.ErrUnclear, func() error {
		e, err = s.b.store.Erase(context.Background(), name, id, head)
		return err
	})
	return reply(e, err)
}

// reply makes sure that nothing but the error gets through.
func reply[R any](r R, err error) (R, error) {
	if err != nil {
		r = *new(R)
	}
	return r, err
}
