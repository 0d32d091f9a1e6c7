package providertest

import (
	"bytes"
	"fmt"

	"github.com/keyrotate/rotate/providers"
)

func writePromises() []promise {
	return []promise{
		{"a create needs that nothing is there", func(b *bench) {
			first := b.put("first", "", note(1))
			b.refused(providers.ErrConflict, value("second"), "")
			b.holds(first)
		}},
		{"a create through another handle too", func(b *bench) {
			other := b.again()
			first := b.put("first", "", note(1))
			_, err := other.Write(b.ctx, name, value("second"), "", note(1))
			b.fails(err, providers.ErrConflict)
			b.holds(first)
		}},
		{"an update needs the head as its base", func(b *bench) {
			revs := b.chain(2)
			b.refused(providers.ErrConflict, value("late"), revs[0].ID)
			b.holds(revs[1])
		}},
		{"a base long past is a conflict", func(b *bench) {
			revs := b.chain(5)
			for _, old := range revs[:4] {
				b.refused(providers.ErrConflict, value("late"), old.ID)
			}
			b.holds(revs[4])
		}},
		{"a base that never was is a conflict", func(b *bench) {
			rev := b.put("a", "", note(1))
			b.refused(providers.ErrConflict, value("b"), rev.ID+"0")
			b.refused(providers.ErrConflict, value("b"), "0")
			b.holds(rev)
		}},
		{"an update of what never was is a conflict", func(b *bench) {
			id := b.put("a", "", note(1)).ID
			_, err := b.s.Write(b.ctx, name+"-2", value("b"), id, note(1))
			b.fails(err, providers.ErrConflict)
			_, err = b.s.Read(b.ctx, name+"-2")
			b.fails(err, providers.ErrNotFound)
		}},
		{"a refused write leaves no head in the history", func(b *bench) {
			revs := b.chain(2)
			b.refused(providers.ErrConflict, value("late"), revs[0].ID)
			if h := b.history(); len(h) == 0 || h[len(h)-1] != revs[1].ID {
				b.Errorf("the history ends otherwise than with the head: %v", h)
			}
		}},
		{"who lost can write on the new head", func(b *bench) {
			revs := b.chain(2)
			b.refused(providers.ErrConflict, value("again"), revs[0].ID)
			b.holds(b.put("again", b.read(b.s).ID, note(3)))
		}},
		{"two handles can take turns", func(b *bench) {
			other := b.again()
			after := providers.RevisionID("")
			for i := range 6 {
				rev := b.put(fmt.Sprint(i), after, note(uint64(i)+1))
				next, err := other.Write(b.ctx, name, value(fmt.Sprint(i, "b")), rev.ID, note(uint64(i)+1))
				if err != nil {
					b.Fatalf("turn %d: %v", i, err)
				}
				after = next.ID
			}
			if got := b.read(b.s); got.ID != after {
				b.Errorf("the head is %q, want %q", got.ID, after)
			}
		}},
		{"the largest value is taken", func(b *bench) {
			v := sized(b.raw.Traits().MaxValue)
			rev, err := b.s.Write(b.ctx, name, v, "", note(1))
			if err != nil {
				b.Fatalf("a value of MaxValue bytes: %v", err)
			}
			b.holds(providers.Revision{ID: rev.ID, Value: v})
		}},
		{"an id never stands for two values", func(b *bench) {
			seen := map[providers.RevisionID]bool{}
			for _, rev := range b.chain(20) {
				if seen[rev.ID] {
					b.Errorf("the id %q was given twice", rev.ID)
				}
				seen[rev.ID] = true
			}
		}},
		{"an old value can be written again", func(b *bench) {
			after := providers.RevisionID("")
			for _, label := range []string{"a", "b", "a", "b"} {
				rev := b.put(label, after, note(1))
				b.holds(rev)
				after = rev.ID
			}
		}},
	}
}

// refused checks that a write fails with a kind.
func (b *bench) refused(kind error, v providers.Secret, after providers.RevisionID) {
	b.Helper()
	_, err := b.s.Write(b.ctx, name, v, after, note(99))
	b.fails(err, kind)
}

// sized makes a value of n bytes.
func sized(n int) providers.Secret {
	b := append([]byte("a large canary "), bytes.Repeat([]byte("0123456789abcdef"), n/16+1)...)
	return providers.NewSecret(b[:n])
}
