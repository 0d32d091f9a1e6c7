package providertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// name is what most cases store under; every backend takes it.
const name = "production-auth-jwt"

// A bench is what a case works on: a fresh backend, with every reply audited.
type bench struct {
	testing.TB
	h     Harness
	raw   providers.Store // as the harness made it
	s     providers.Store // raw, audited
	audit *audit
	ctx   context.Context
}

func newBench(t testing.TB, h Harness) *bench {
	b := &bench{TB: t, h: h, raw: h.New(t), ctx: t.Context()}
	b.audit = &audit{t: t}
	b.s = b.audit.wrap(b.raw)
	return b
}

// again returns another handle on the same backend.
func (b *bench) again() providers.Store { return b.audit.wrap(b.h.Reopen(b, b.raw)) }

// value makes a canary: text that is found wherever it leaks to, different for
// each label.
func value(label string) providers.Secret {
	return providers.NewSecret(fmt.Appendf(nil, "%.12x the value of %s\n", sha256.Sum256([]byte(label)), label))
}

// note is the note of one generation in the suite's usual lineage.
func note(generation uint64) providers.Note {
	digest := fmt.Sprintf("sha-256:%x", sha256.Sum256(fmt.Append(nil, "document ", generation)))
	return providers.Note{Lineage: "5f0c1f6e8a7d4b1c9e2a3d4c5b6a7988", Generation: generation, Digest: digest}
}

// put writes value(label) after a base and stops the case if that fails.
func (b *bench) put(label string, after providers.RevisionID, n providers.Note) providers.Revision {
	b.Helper()
	rev, err := b.s.Write(b.ctx, name, value(label), after, n)
	if err != nil {
		b.Fatalf("writing %s: %v", label, err)
	}
	if rev.ID == "" {
		b.Fatalf("writing %s gave no revision id", label)
	}
	rev.Value = value(label)
	return rev
}

// chain writes n revisions, one after the other, as generations 1 to n.
func (b *bench) chain(n int) []providers.Revision {
	b.Helper()
	var revs []providers.Revision
	after := providers.RevisionID("")
	for i := range n {
		revs = append(revs, b.put(fmt.Sprint("chain ", i+1), after, note(uint64(i+1))))
		after = revs[i].ID
	}
	return revs
}

// settle waits until a read may no longer be older than the last write.
func (b *bench) settle() {
	stale := b.raw.Traits().Stale
	switch {
	case stale == 0:
	case b.h.Wait != nil:
		b.h.Wait(b, stale)
	default:
		time.Sleep(stale)
	}
}

// read returns the head as s sees it.
func (b *bench) read(s providers.Store) providers.Revision {
	b.Helper()
	b.settle()
	rev, err := s.Read(b.ctx, name)
	if err != nil {
		b.Fatalf("reading the head: %v", err)
	}
	return rev
}

// holds checks that the head is want, through this handle and a new one.
func (b *bench) holds(want providers.Revision) {
	b.Helper()
	for _, s := range []providers.Store{b.s, b.again()} {
		got := b.read(s)
		if got.ID != want.ID {
			b.Errorf("the head is revision %q, want %q", got.ID, want.ID)
		}
		if !got.Value.Equal(want.Value) {
			b.Errorf("the head of revision %q holds other bytes than were written: %d, want %d", got.ID, got.Value.Len(), want.Value.Len())
		}
	}
}

// absent checks that nothing was ever stored, through this handle and a new one.
func (b *bench) absent() {
	b.Helper()
	b.settle()
	for _, s := range []providers.Store{b.s, b.again()} {
		_, err := s.Read(b.ctx, name)
		b.fails(err, providers.ErrNotFound)
	}
}

// unreadable checks that there is a head which cannot be read, through this
// handle and a new one.
func (b *bench) unreadable() {
	b.Helper()
	b.settle()
	for _, s := range []providers.Store{b.s, b.again()} {
		_, err := s.Read(b.ctx, name)
		b.fails(err, providers.ErrUnreadable)
	}
}

// history lists the ids that can still be read.
func (b *bench) history() []providers.RevisionID {
	b.Helper()
	b.settle()
	revs, err := b.s.History(b.ctx, name)
	if err != nil {
		b.Fatalf("history: %v", err)
	}
	return ids(revs)
}

func ids(revs []providers.Revision) []providers.RevisionID {
	var all []providers.RevisionID
	for _, r := range revs {
		all = append(all, r.ID)
	}
	return all
}

// listed is what History has to list of a chain, by the store's traits.
func (b *bench) listed(revs ...providers.Revision) []providers.RevisionID {
	if b.raw.Traits().OneValue {
		revs = revs[len(revs)-1:]
	}
	return ids(revs)
}

// erase erases and stops the case if that fails.
func (b *bench) erase(id, head providers.RevisionID) providers.Erasure {
	b.Helper()
	e, err := b.s.Erase(b.ctx, name, id, head)
	if err != nil {
		b.Fatalf("erasing %q below %q: %v", id, head, err)
	}
	return e
}

// fails checks that err is of one of the kinds.
func (b *bench) fails(err error, kinds ...error) {
	b.Helper()
	for _, k := range kinds {
		if errors.Is(err, k) {
			return
		}
	}
	b.Errorf("the error is %v, want one of %v", err, kinds)
}

// needs skips a case that the harness has no means for.
func (b *bench) needs(have bool, what string) {
	b.Helper()
	if !have {
		b.Skipf("the harness has no %s", what)
	}
}

// race makes all attempts at once, each through a handle of its own.
func (b *bench) race(attempts []Attempt) []Outcome {
	for _, a := range attempts {
		b.audit.know(a.Value)
	}
	var outcomes []Outcome
	if b.h.Race != nil {
		outcomes = b.h.Race(b, b.raw, attempts)
	} else {
		handles := make([]providers.Store, len(attempts))
		for i := range handles {
			handles[i] = b.h.Reopen(b, b.raw)
		}
		outcomes = b.goroutines(handles, attempts)
	}
	for _, o := range outcomes {
		b.audit.failed(Write, o.Err)
	}
	return outcomes
}

// goroutines makes attempt i through handle i, all at once.
func (b *bench) goroutines(handles []providers.Store, attempts []Attempt) []Outcome {
	outcomes := make([]Outcome, len(attempts))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, a := range attempts {
		wg.Go(func() {
			<-start
			rev, err := handles[i].Write(b.ctx, a.Name, a.Value, a.After, a.Note)
			outcomes[i] = Outcome{ID: rev.ID, Err: err}
		})
	}
	close(start)
	wg.Wait()
	return outcomes
}

// during runs watch again and again until work, which must not wait for time
// to pass, is done; at least once.
func during(work, watch func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			watch()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	defer wg.Wait()
	defer close(done)
	work()
}
