package providertest

import (
	"slices"

	"github.com/keyrotate/rotate/providers"
)

func historyPromises() []promise {
	return []promise{
		{"is empty for what never was", func(b *bench) {
			if h := b.history(); len(h) != 0 {
				b.Errorf("it is %v", h)
			}
			b.absent()
		}},
		{"is the head alone after a create", func(b *bench) { b.left(b.put("a", "", note(1))) }},
		{"is oldest first and the head last", func(b *bench) { b.left(b.chain(7)...) }},
		{"is the same through another handle", func(b *bench) {
			revs := b.chain(3)
			b.settle()
			got, err := b.again().History(b.ctx, name)
			if want := b.listed(revs...); err != nil || !slices.Equal(ids(got), want) {
				b.Errorf("it is %v (%v), want %v", ids(got), err, want)
			}
		}},
		{"has no values", func(b *bench) {
			b.chain(3)
			for _, rev := range b.revisions() {
				if rev.Value.Len() > 0 {
					b.Errorf("revision %q comes with a value", rev.ID)
				}
			}
		}},
		{"has no wrong notes", func(b *bench) {
			b.chain(3)
			revs := b.revisions()
			slices.Reverse(revs)
			for i, rev := range revs {
				if want := note(uint64(3 - i)); rev.Note != want && rev.Note != (providers.Note{}) {
					b.Errorf("revision %q has the note %+v, want %+v or none", rev.ID, rev.Note, want)
				}
			}
		}},
		{"has times in order", func(b *bench) {
			b.chain(4)
			if !slices.IsSortedFunc(b.revisions(), func(x, y providers.Revision) int { return x.Created.Compare(y.Created) }) {
				b.Errorf("Created does not rise")
			}
		}},
		{"changes nothing", func(b *bench) {
			revs := b.chain(3)
			b.history()
			b.left(revs...)
			b.noted(note(3))
		}},
		{"ends with a head that was or is, while a writer writes", historyDuringWrites},
	}
}

// revisions is the whole history.
func (b *bench) revisions() []providers.Revision {
	b.Helper()
	b.settle()
	revs, err := b.s.History(b.ctx, name)
	if err != nil {
		b.Fatalf("history: %v", err)
	}
	return revs
}

// historyDuringWrites checks that each history taken meanwhile has an end, and
// nothing twice.
func historyDuringWrites(b *bench) {
	rev := b.put("0", "", note(1))
	reader := b.again()
	during(func() {
		for i := range 20 {
			rev = b.put(string(rune('A'+i)), rev.ID, note(uint64(i)+2))
		}
	}, func() {
		revs, err := reader.History(b.ctx, name)
		if err != nil || len(revs) == 0 {
			b.Errorf("a history of %d during writes: %v", len(revs), err)
		}
		seen := map[providers.RevisionID]bool{}
		for _, r := range revs {
			if seen[r.ID] {
				b.Errorf("%q is listed twice", r.ID)
			}
			seen[r.ID] = true
		}
	})
	b.holds(rev)
}
