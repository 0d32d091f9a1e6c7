package providertest

import (
	"errors"
	"slices"

	"github.com/keyrotate/rotate/providers"
)

// replyPromises lose replies of calls that were made, and fail calls that were
// not. Reading back tells the two apart, and a repeat does no harm.
func replyPromises() []promise {
	return []promise{
		{"a create whose reply is lost is found by reading", func(b *bench) {
			f, s := b.faulty()
			f.On(Nth(Write, 1, Fault{After: providers.ErrUnclear}))
			_, err := s.Write(b.ctx, name, value("a"), "", note(1))
			b.fails(err, providers.ErrUnclear)
			if got := b.read(b.s); !got.Value.Equal(value("a")) || got.Note != note(1) {
				b.Errorf("the value is not there")
			}
		}},
		{"an update whose reply is lost is found by reading", func(b *bench) {
			base := b.put("base", "", note(1))
			f, s := b.faulty()
			f.On(Nth(Write, 1, Fault{After: providers.ErrUnclear}))
			_, err := s.Write(b.ctx, name, value("a"), base.ID, note(2))
			b.fails(err, providers.ErrUnclear)
			if got := b.read(b.s); got.ID == base.ID || !got.Value.Equal(value("a")) {
				b.Errorf("the head is still %q", got.ID)
			}
		}},
		{"repeating a create whose reply was lost is a conflict", func(b *bench) {
			f, s := b.faulty()
			f.On(Nth(Write, 1, Fault{After: providers.ErrUnclear}))
			for _, want := range []error{providers.ErrUnclear, providers.ErrConflict} {
				_, err := s.Write(b.ctx, name, value("a"), "", note(1))
				b.fails(err, want)
			}
			if h := b.history(); len(h) != 1 {
				b.Errorf("there are %d revisions, want 1", len(h))
			}
		}},
		{"repeating an update whose reply was lost is a conflict", func(b *bench) {
			base := b.put("base", "", note(1))
			f, s := b.faulty()
			f.On(Nth(Write, 1, Fault{After: providers.ErrUnclear}))
			for _, want := range []error{providers.ErrUnclear, providers.ErrConflict} {
				_, err := s.Write(b.ctx, name, value("a"), base.ID, note(2))
				b.fails(err, want)
			}
			if got, want := b.history(), b.listed(base, b.read(b.s)); !slices.Equal(got, want) {
				b.Errorf("the history is %v, want %v", got, want)
			}
		}},
		{"a lost reply can be older than the head", func(b *bench) {
			f, s := b.faulty()
			f.On(Nth(Write, 1, Fault{After: providers.ErrUnclear}))
			_, err := s.Write(b.ctx, name, value("a"), "", note(1))
			b.fails(err, providers.ErrUnclear)
			next := b.put("b", b.read(b.s).ID, note(2))
			b.holds(next)
		}},
		{"an erase whose reply is lost can be repeated", func(b *bench) {
			revs := b.chain(3)
			f, s := b.faulty()
			f.On(Nth(Erase, 1, Fault{After: providers.ErrUnclear}))
			_, err := s.Erase(b.ctx, name, revs[0].ID, revs[2].ID)
			b.fails(err, providers.ErrUnclear)
			if _, err := s.Erase(b.ctx, name, revs[0].ID, revs[2].ID); err != nil {
				b.Errorf("repeating it: %v", err)
			}
			b.holds(revs[2])
		}},
		{"a write that failed before it was made can be repeated", func(b *bench) {
			base := b.put("base", "", note(1))
			for _, kind := range []error{providers.ErrDenied, providers.ErrThrottled, providers.ErrUnavailable} {
				f, s := b.faulty()
				f.On(Every(Write, Fault{Before: kind}))
				_, err := s.Write(b.ctx, name, value("a"), base.ID, note(2))
				b.fails(err, kind)
				b.holds(base)
			}
			b.holds(b.put("a", base.ID, note(2)))
		}},
		{"a write on a head read too early is a conflict", func(b *bench) {
			f, s := b.faulty()
			revs := b.chain(1)
			for _, label := range []string{"b", "c"} {
				b.settle()
				head, err := s.Read(b.ctx, name)
				if err != nil {
					b.Fatalf("read: %v", err)
				}
				revs = append(revs, b.put(label, head.ID, note(2)))
			}
			f.On(Every(Read, Fault{Behind: 1}))
			old, err := s.Read(b.ctx, name)
			if err != nil || old.ID == revs[2].ID {
				b.Fatalf("the old read gives %q (%v)", old.ID, err)
			}
			b.refused(providers.ErrConflict, value("d"), old.ID)
			b.holds(revs[2])
		}},
		{"a create on an absence read too early is a conflict", func(b *bench) {
			f, s := b.faulty()
			rev := b.put("a", "", note(1))
			f.On(Every(Read, Fault{Behind: 1}))
			_, err := s.Read(b.ctx, name)
			b.fails(err, providers.ErrNotFound)
			b.refused(providers.ErrConflict, value("b"), "")
			b.holds(rev)
		}},
		{"a history that failed changes nothing", func(b *bench) {
			revs := b.chain(2)
			f, s := b.faulty()
			f.On(Nth(History, 1, Fault{After: providers.ErrUnavailable}))
			if got, err := s.History(b.ctx, name); !errors.Is(err, providers.ErrUnavailable) || got != nil {
				b.Errorf("history gives %v (%v)", got, err)
			}
			b.holds(revs[1])
		}},
	}
}

// faulty returns a handle whose calls go wrong, and the same audited.
func (b *bench) faulty() (*Faulty, providers.Store) {
	f := NewFaulty(b.h.Reopen(b, b.raw))
	return f, b.audit.wrap(f)
}
