package providertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/keyrotate/rotate/providers"
)

// racers is how many writers race.
const racers = 16

func racePromises() []promise {
	processes := func(b *bench, as []Attempt) []Outcome { return b.race(as) }
	goroutines := func(b *bench, as []Attempt) []Outcome {
		return b.goroutines(slices.Repeat([]providers.Store{b.s}, len(as)), as)
	}
	return []promise{
		{"one of 16 processes creates", func(b *bench) { b.oneWins(processes, "") }},
		{"one of 16 processes updates", func(b *bench) { b.oneWins(processes, b.put("base", "", note(1)).ID) }},
		{"one of 16 goroutines creates", func(b *bench) { b.oneWins(goroutines, "") }},
		{"one of 16 goroutines updates", func(b *bench) { b.oneWins(goroutines, b.put("base", "", note(1)).ID) }},
		{"a loser's value is never seen", losersUnseen},
		{"no update is lost", noLostUpdate},
		{"writers of other names all win", func(b *bench) {
			var as []Attempt
			for i := range racers {
				as = append(as, Attempt{Name: fmt.Sprintf("%s-%d", name, i), Value: value(fmt.Sprint(i)), Note: note(1)})
			}
			for i, o := range goroutines(b, as) {
				if o.Err != nil {
					b.Errorf("writer %d: %v", i, o.Err)
				}
			}
		}},
		{"an eraser and a writer", eraserAndWriter},
	}
}

// attempts are 16 writes with the same base.
func attempts(after providers.RevisionID) []Attempt {
	var as []Attempt
	for i := range racers {
		as = append(as, Attempt{Name: name, Value: value(fmt.Sprint("racer ", i)), After: after, Note: note(2)})
	}
	return as
}

// oneWins checks that of 16 writers one wins, the others know that they lost,
// and the head is the winner's.
func (b *bench) oneWins(run func(*bench, []Attempt) []Outcome, base providers.RevisionID) {
	b.Helper()
	as := attempts(base)
	var winners []providers.Revision
	for i, o := range run(b, as) {
		if o.Err == nil {
			winners = append(winners, providers.Revision{ID: o.ID, Value: as[i].Value})
			continue
		}
		b.fails(o.Err, providers.ErrConflict)
	}
	if len(winners) != 1 {
		b.Fatalf("%d of %d writers won, want 1", len(winners), racers)
	}
	b.holds(winners[0])
}

// losersUnseen watches the head through a race: it is the base, then the
// winner's.
func losersUnseen(b *bench) {
	base := b.put("base", "", note(1))
	as := attempts(base.ID)
	var outcomes []Outcome
	var mu sync.Mutex
	var seen []providers.Secret
	reader := b.again()
	during(func() { outcomes = b.race(as) }, func() {
		got, err := reader.Read(b.ctx, name)
		if err != nil {
			b.Errorf("reading during a race: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, got.Value)
	})
	for i, o := range outcomes {
		for _, v := range seen {
			if o.Err != nil && v.Equal(as[i].Value) {
				b.Fatalf("the value of loser %d was the head", i)
			}
		}
	}
}

// noLostUpdate lets four writers add five lines each to one text. All twenty
// must be there at the end.
func noLostUpdate(b *bench) {
	const writers, lines = 4, 5
	b.put("base", "", note(1))
	var wg sync.WaitGroup
	for w := range writers {
		s := b.again()
		wg.Go(func() {
			for l := range lines {
				if err := b.add(s, fmt.Sprintf("line %d of %d\n", l, w)); err != nil {
					b.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if want := value("base").Len() + writers*lines*len("line 0 of 0\n"); b.read(b.s).Value.Len() != want {
		b.Errorf("the text has %d bytes, want %d: an update was lost", b.read(b.s).Value.Len(), want)
	}
}

// add appends a line to the head, again and again until it is not raced. Who
// loses does so to somebody who wins, so nobody loses more often than there are
// lines; ten times that leaves room for a store on which a race may have no
// winner.
func (b *bench) add(s providers.Store, line string) error {
	for range 200 {
		b.settle()
		head, err := s.Read(b.ctx, name)
		if err != nil {
			return err
		}
		v := providers.NewSecret(append(head.Value.Reveal(), line...))
		_, err = s.Write(b.ctx, name, v, head.ID, note(2))
		if !errors.Is(err, providers.ErrConflict) {
			return err
		}
	}
	return errors.New("lost 200 races in a row")
}

// eraserAndWriter erases below a head that moves on meanwhile. However it ends,
// the new head stands.
func eraserAndWriter(b *bench) {
	revs := b.chain(3)
	var wg sync.WaitGroup
	var erased error
	eraser := b.again()
	wg.Go(func() { _, erased = eraser.Erase(b.ctx, name, revs[0].ID, revs[2].ID) })
	head := b.put("next", revs[2].ID, note(4))
	wg.Wait()
	if erased != nil {
		b.fails(erased, providers.ErrConflict)
	}
	b.holds(head)
}
