package providertest

import (
	"bytes"
	"slices"

	"github.com/keyrotate/rotate/providers"
)

func outsidePromises() []promise {
	return []promise{
		{"a lost head is unreadable, never not found", lose(func(b *bench, _ []providers.Revision) {})},
		{"nothing is created over a lost head", lose(func(b *bench, _ []providers.Revision) {
			_, err := b.s.Write(b.ctx, name, value("made up"), "", note(1))
			b.fails(err, providers.ErrConflict, providers.ErrUnreadable)
		})},
		{"nothing is written after a lost head", lose(func(b *bench, revs []providers.Revision) {
			for _, r := range revs {
				_, err := b.s.Write(b.ctx, name, value("made up"), r.ID, note(9))
				b.fails(err, providers.ErrConflict, providers.ErrUnreadable)
			}
		})},
		{"a lost head is not in the history", lose(func(b *bench, revs []providers.Revision) {
			h, err := b.s.History(b.ctx, name)
			if err != nil {
				b.fails(err, providers.ErrUnreadable)
			}
			if head := revs[len(revs)-1].ID; slices.Contains(ids(h), head) {
				b.Errorf("the history still lists %q", head)
			}
		})},
		{"nothing is erased below a lost head", lose(func(b *bench, revs []providers.Revision) {
			_, err := b.s.Erase(b.ctx, name, revs[0].ID, revs[1].ID)
			b.fails(err, providers.ErrConflict, providers.ErrUnreadable)
		})},
		{"a lost head that is restored can be read", func(b *bench) {
			b.needs(b.h.Lose != nil && b.h.Restore != nil, "Lose and Restore")
			revs := b.chain(2)
			b.h.Lose(b, b.raw, name)
			b.unreadable()
			b.h.Restore(b, b.raw, name, revs[1])
			if got := b.read(b.s); !got.Value.Equal(revs[1].Value) {
				b.Errorf("the restored head holds other bytes")
			}
		}},
		{"a value from outside is another revision", tamper(func(b *bench, before providers.Revision) {
			if got := b.read(b.s); got.ID == before.ID {
				b.Errorf("the id %q stands for two values", got.ID)
			}
		})},
		{"a value from outside is not written over", tamper(func(b *bench, before providers.Revision) {
			b.refused(providers.ErrConflict, value("late"), before.ID)
		})},
		{"a value from outside does not move the witness", tamper(func(b *bench, _ providers.Revision) {
			b.witnessed(note(2))
		})},
		{"what a backup brings back stands behind the witness", restore(func(b *bench, revs []providers.Revision) {
			b.witnessed(note(3))
		})},
		{"what a backup brings back is not written over", restore(func(b *bench, revs []providers.Revision) {
			b.refused(providers.ErrConflict, value("late"), revs[2].ID)
			if got := b.read(b.s); !got.Value.Equal(revs[0].Value) {
				b.Errorf("the restored head holds other bytes")
			}
		})},
		{"nothing is erased below what a backup brings back", restore(func(b *bench, revs []providers.Revision) {
			_, err := b.s.Erase(b.ctx, name, revs[1].ID, revs[2].ID)
			b.fails(err, providers.ErrConflict)
		})},
	}
}

// lose runs a case on a chain whose head was lost, and checks that it stays so.
func lose(keep func(b *bench, revs []providers.Revision)) func(*bench) {
	return func(b *bench) {
		b.needs(b.h.Lose != nil, "Lose")
		revs := b.chain(2)
		b.h.Lose(b, b.raw, name)
		b.unreadable()
		keep(b, revs)
		b.unreadable()
	}
}

// tamper runs a case on a head that was replaced from outside, and checks that
// it stays as it was made.
func tamper(keep func(b *bench, before providers.Revision)) func(*bench) {
	return func(b *bench) {
		b.needs(b.h.Tamper != nil, "Tamper")
		revs := b.chain(2)
		forged := []byte("from outside")
		b.h.Tamper(b, b.raw, name, forged)
		keep(b, revs[1])
		if got := b.read(b.s).Value.Reveal(); !bytes.Equal(got, forged) {
			b.Errorf("reads %q, want %q", got, forged)
		}
	}
}

// restore runs a case on a chain of three of which the first is head again.
func restore(keep func(b *bench, revs []providers.Revision)) func(*bench) {
	return func(b *bench) {
		b.needs(b.h.Restore != nil, "Restore")
		revs := b.chain(3)
		b.h.Restore(b, b.raw, name, revs[0])
		keep(b, revs)
	}
}
