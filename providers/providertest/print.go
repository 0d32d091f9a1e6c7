package providertest

import (
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// printPromises say on their own what the audit checks in every case: whatever
// is printed, it holds no material and it helps. See audit.
func printPromises() []promise {
	return []promise{
		{"no material in what a read returns", func(b *bench) {
			b.put("a", "", note(1))
			b.audit.silent(Read, b.read(b.s))
			b.audit.silent(History, b.revisions())
		}},
		{"no material in a conflict", func(b *bench) {
			revs := b.chain(2)
			b.refused(providers.ErrConflict, value("late"), revs[0].ID)
			b.refused(providers.ErrConflict, value("late"), "")
		}},
		{"no material in what is cancelled", func(b *bench) {
			_, err := b.s.Write(b.gone(), name, value("a"), "", note(1))
			b.fails(err, errGaveUp)
		}},
		{"no material about what is lost", func(b *bench) {
			b.needs(b.h.Lose != nil, "Lose")
			b.chain(2)
			b.h.Lose(b, b.raw, name)
			b.unreadable()
		}},
		{"an error names what it is about", func(b *bench) {
			_, err := b.s.Read(b.ctx, name)
			b.fails(err, providers.ErrNotFound)
			if err != nil && !strings.Contains(err.Error(), name) {
				b.Errorf("%q does not hold the name", err)
			}
		}},
	}
}
