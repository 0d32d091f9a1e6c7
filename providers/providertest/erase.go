package providertest

import (
	"slices"

	"github.com/keyrotate/rotate/providers"
)

func erasePromises() []promise {
	return []promise{
		{"what is superseded is gone", func(b *bench) {
			revs := b.chain(2)
			b.erase(revs[0].ID, revs[1].ID)
			b.left(revs[1])
		}},
		{"through another handle too", func(b *bench) {
			revs := b.chain(2)
			if _, err := b.again().Erase(b.ctx, name, revs[0].ID, revs[1].ID); err != nil {
				b.Fatalf("erase: %v", err)
			}
			b.left(revs[1])
		}},
		{"only that one, from the middle", func(b *bench) {
			revs := b.chain(4)
			b.erase(revs[1].ID, revs[3].ID)
			b.left(revs[0], revs[2], revs[3])
		}},
		{"all that is superseded, in any order", func(b *bench) {
			revs := b.chain(4)
			for _, i := range []int{2, 0, 1} {
				b.erase(revs[i].ID, revs[3].ID)
			}
			b.left(revs[3])
		}},
		{"as strongly as the traits say", func(b *bench) {
			revs := b.chain(2)
			e := b.erase(revs[0].ID, revs[1].ID)
			if most := b.raw.Traits().Erases; strength(e.How) == 0 || strength(e.How) > strength(most) {
				b.Errorf("it was %q, the traits promise at most %q", e.How, most)
			}
			if !e.Until.IsZero() && e.How != providers.Disabled {
				b.Errorf("what is %q has a date of destruction", e.How)
			}
		}},
		{"in a way that every process can tell", func(b *bench) {
			revs := b.chain(3)
			e := b.erase(revs[0].ID, revs[2].ID)
			b.told(revs[0].ID, e)
			b.told(revs[1].ID, b.erase(revs[1].ID, revs[2].ID))
		}},
		{"twice is the same as once", func(b *bench) {
			revs := b.chain(3)
			for range 2 {
				b.erase(revs[0].ID, revs[2].ID)
			}
			b.left(revs[1:]...)
		}},
		{"never the head", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[2].ID, revs[2].ID
		})},
		{"never above the head that the caller saw", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[2].ID, revs[1].ID
		})},
		{"not at a head that has moved on", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[1].ID, revs[1].ID
		})},
		{"not below a head that has moved on", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[0].ID, revs[1].ID
		})},
		{"not below a head that never was", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[0].ID, revs[2].ID + "0"
		})},
		{"not below no head", conflicting(func(revs []providers.Revision) (id, head providers.RevisionID) {
			return revs[0].ID, ""
		})},
		{"an unknown id touches nothing", func(b *bench) {
			revs := b.chain(3)
			_, err := b.s.Erase(b.ctx, name, revs[0].ID+"0", revs[2].ID)
			_ = err // one backend can tell it from what is gone, another cannot
			b.left(revs...)
		}},
		{"nothing of what never was", func(b *bench) {
			_, err := b.s.Erase(b.ctx, name, "1", "2")
			b.fails(err, providers.ErrConflict, providers.ErrNotFound)
			_, err = b.s.Erase(b.ctx, name, "", "")
			b.fails(err, providers.ErrConflict, providers.ErrNotFound)
			b.absent()
		}},
		{"then a write goes on from the same head", func(b *bench) {
			revs := b.chain(2)
			b.erase(revs[0].ID, revs[1].ID)
			next := b.put("next", revs[1].ID, note(3))
			b.left(revs[1], next)
		}},
		{"then the erased is no base", func(b *bench) {
			revs := b.chain(2)
			b.erase(revs[0].ID, revs[1].ID)
			b.refused(providers.ErrConflict, value("late"), revs[0].ID)
			b.left(revs[1])
		}},
		{"then its id is not given again", func(b *bench) {
			revs := b.chain(3)
			b.erase(revs[0].ID, revs[2].ID)
			b.erase(revs[1].ID, revs[2].ID)
			for _, label := range []string{"x", "y", "z"} {
				next := b.put(label, revs[len(revs)-1].ID, note(4))
				if slices.Contains(ids(revs), next.ID) {
					b.Errorf("the id %q was given again", next.ID)
				}
				revs = append(revs, next)
			}
		}},
		{"then the note and the witness stand", func(b *bench) {
			revs := b.chain(2)
			b.erase(revs[0].ID, revs[1].ID)
			b.noted(note(2))
			b.witnessed(note(2))
		}},
	}
}

// told checks that an erasure which is weaker than the traits promise shows in
// the history, through another handle too, and that no other does.
func (b *bench) told(id providers.RevisionID, e providers.Erasure) {
	b.Helper()
	b.settle()
	most := b.raw.Traits().Erases
	for _, s := range []providers.Store{b.s, b.again()} {
		revs, err := s.History(b.ctx, name)
		if err != nil || len(revs) == 0 {
			b.Fatalf("history: %d revisions, %v", len(revs), err)
		}
		head := revs[len(revs)-1]
		i := slices.IndexFunc(head.Weaker, func(w providers.Erased) bool { return w.ID == id })
		switch weak := strength(e.How) < strength(most); {
		case weak && (i < 0 || head.Weaker[i].Erasure != e):
			b.Errorf("revision %q was only %q, the traits say %q, and the history does not tell: %+v", id, e.How, most, head.Weaker)
		case !weak && i >= 0:
			b.Errorf("revision %q was %q, and the history tells of it as less: %+v", id, e.How, head.Weaker[i])
		}
		if head.Erases != "" && strength(head.Erases) >= strength(most) {
			b.Errorf("the head's Erases is %q, the traits say %q: it is for what is weaker", head.Erases, most)
		}
	}
}

// left checks what is still readable: the head by reading it, the rest by the
// history.
func (b *bench) left(want ...providers.Revision) {
	b.Helper()
	b.holds(want[len(want)-1])
	if got := b.history(); !slices.Equal(got, b.listed(want...)) {
		b.Errorf("the history is %v, want %v", got, b.listed(want...))
	}
}

// conflicting checks that an erasure, picked from a chain of three, is a
// conflict and erases nothing.
func conflicting(pick func([]providers.Revision) (id, head providers.RevisionID)) func(*bench) {
	return func(b *bench) {
		revs := b.chain(3)
		id, head := pick(revs)
		_, err := b.s.Erase(b.ctx, name, id, head)
		b.fails(err, providers.ErrConflict)
		b.left(revs...)
	}
}
