package providertest

import (
	"strings"

	"github.com/keyrotate/rotate/providers"
)

func namePromises() []promise {
	return []promise{
		{"empty", badName("")},
		{"a NUL", badName("auth\x00jwt")},
		{"a newline", badName("auth\njwt")},
		{"overlong", badName(strings.Repeat("a", 5000))},
		{"what this backend does not take", func(b *bench) {
			b.needs(len(b.h.BadNames) > 0, "BadNames")
			for _, n := range b.h.BadNames {
				badName(n)(b)
			}
		}},
		{"names do not touch each other", func(b *bench) {
			names := []string{"production-auth", name, name + "-2", "test-auth-jwt"}
			heads := map[string]providers.RevisionID{}
			for round := range 3 {
				for _, n := range names {
					rev, err := b.s.Write(b.ctx, n, value(n+string(rune('a'+round))), heads[n], note(1))
					if err != nil {
						b.Fatalf("%s: %v", n, err)
					}
					heads[n] = rev.ID
				}
			}
			b.settle()
			for _, n := range names {
				got, err := b.s.Read(b.ctx, n)
				if err != nil || got.ID != heads[n] || !got.Value.Equal(value(n+"c")) {
					b.Errorf("%s: head %q (%v), want %q", n, got.ID, err, heads[n])
				}
			}
		}},
		{"one name's erasure leaves the others", func(b *bench) {
			other := name + "-2"
			mine := b.chain(2)
			theirs, err := b.s.Write(b.ctx, other, value("theirs"), "", note(1))
			if err != nil {
				b.Fatalf("%s: %v", other, err)
			}
			b.erase(mine[0].ID, mine[1].ID)
			b.settle()
			if got, err := b.s.Read(b.ctx, other); err != nil || got.ID != theirs.ID {
				b.Errorf("%s: head %q (%v), want %q", other, got.ID, err, theirs.ID)
			}
		}},
	}
}

// badName checks that each call refuses n.
func badName(n string) func(*bench) {
	return func(b *bench) {
		_, err := b.s.Read(b.ctx, n)
		b.fails(err, providers.ErrBadName)
		_, err = b.s.Write(b.ctx, n, value("a"), "", note(1))
		b.fails(err, providers.ErrBadName)
		_, err = b.s.History(b.ctx, n)
		b.fails(err, providers.ErrBadName)
		_, err = b.s.Erase(b.ctx, n, "1", "2")
		b.fails(err, providers.ErrBadName)
	}
}
