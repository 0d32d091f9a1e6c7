package providertest

import "github.com/keyrotate/rotate/providers"

func notePromises() []promise {
	return []promise{
		{"a note comes back with its value", func(b *bench) {
			n := providers.Note{Lineage: "0123456789abcdefghjkmnpqrs", Generation: 1 << 40, Digest: "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}
			if rev := b.put("a", "", n); rev.Note != n {
				b.Errorf("Write returns the note %+v, want %+v", rev.Note, n)
			}
			b.noted(n)
		}},
		{"a note follows the head", func(b *bench) {
			after := providers.RevisionID("")
			for g := range uint64(4) {
				after = b.put(string(rune('a'+g)), after, note(g+1)).ID
				b.noted(note(g + 1))
			}
		}},
		{"a refused write moves no note", func(b *bench) {
			revs := b.chain(2)
			b.refused(providers.ErrConflict, value("late"), revs[0].ID)
			b.noted(note(2))
			b.witnessed(note(2))
		}},
		{"a zero note says nothing", func(b *bench) {
			b.put("a", "", providers.Note{})
			b.noted(providers.Note{})
			b.witnessed(providers.Note{})
		}},
		{"a zero note does not empty the witness", func(b *bench) {
			rev := b.put("a", "", note(3))
			b.put("b", rev.ID, providers.Note{})
			b.noted(providers.Note{})
			b.witnessed(note(3))
		}},
		{"the witness is the newest note", func(b *bench) {
			b.chain(3)
			b.witnessed(note(3))
		}},
		{"the witness is in the reply to Write", func(b *bench) {
			b.needs(b.raw.Traits().Witness, "store with Traits.Witness")
			if rev := b.put("a", "", note(7)); rev.Witness != note(7) {
				b.Errorf("Write returns the witness %+v, want %+v", rev.Witness, note(7))
			}
		}},
		{"the witness does not go back in its lineage", func(b *bench) {
			rev := b.put("a", "", note(5))
			b.put("b", rev.ID, note(3))
			b.noted(note(3))
			b.witnessed(note(5))
		}},
		{"the witness follows a mark in the same generation", func(b *bench) {
			mark := note(5)
			mark.Digest = "sha-256:mark"
			rev := b.put("a", "", note(5))
			b.put("b", rev.ID, mark)
			b.witnessed(mark)
		}},
		{"the witness follows into a new lineage", func(b *bench) {
			rev := b.put("a", "", note(5))
			n := providers.Note{Lineage: "another", Generation: 1, Digest: "sha-256:b"}
			b.put("b", rev.ID, n)
			b.noted(n)
			b.witnessed(n)
		}},
	}
}

// noted checks the head's note, through this handle and a new one.
func (b *bench) noted(want providers.Note) {
	b.Helper()
	for _, s := range []providers.Store{b.s, b.again()} {
		if got := b.read(s).Note; got != want {
			b.Errorf("the note is %+v, want %+v", got, want)
		}
	}
}

// witnessed checks what the store remembers beside the value: nothing where
// Traits has no witness.
func (b *bench) witnessed(want providers.Note) {
	b.Helper()
	if !b.raw.Traits().Witness {
		want = providers.Note{}
	}
	for _, s := range []providers.Store{b.s, b.again()} {
		if got := b.read(s).Witness; got != want {
			b.Errorf("the witness is %+v, want %+v", got, want)
		}
	}
}
