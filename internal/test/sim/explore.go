package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// An Exploration tries every order in which the calls of a few writers can
// reach one service, with every writer possibly stopping for ever before and
// after each of its calls. It is exact: a process depends on nothing but the
// replies that it got, so two ways to the same service and the same replies
// need to be followed only once.
type Exploration struct {
	Shape  Shape
	Rounds []int // how often each writer reads, writes after that, and sweeps if it won
	States int   // different ones seen
	Ends   int   // of them, those in which no one can go on
	Whole  bool  // no state was left out
	Broken string
}

// Explore tries them all, up to a limit of states. Writers are running code, and
// a state of them cannot be copied: of the ways on from a state, one is followed
// at once, and each of the others later, by taking all steps from the first on.
func Explore(shape Shape, rounds []int, limit int) *Exploration {
	e := &Exploration{Shape: shape, Rounds: rounds}
	t := newTable(shape, rounds)
	defer t.close()
	seen := map[digest]struct{}{}
	for todo := [][]byte{nil}; len(todo) > 0; { // schedules: who takes the next step
		schedule := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		t.begin()
		for _, w := range schedule {
			t.take(w)
		}
		for alive := []byte{0}; len(alive) > 0; {
			_, known := seen[t.key()]
			switch e.Broken = t.broken; {
			case e.Broken != "", !known && e.States == limit:
				return e
			case known:
				alive = nil
				continue
			}
			seen[t.key()] = struct{}{}
			e.States++
			if alive = t.alive(); len(alive) == 0 {
				e.Ends++
				continue
			}
			for _, w := range alive[1:] {
				todo = append(todo, append(slices.Clip(schedule), w))
			}
			schedule = append(slices.Clip(schedule), alive[0])
			t.take(alive[0])
		}
		t.end()
	}
	e.Whole = true
	return e
}

// A table is where writers meet over a service, as often as it is laid anew, and
// what they were told.
type table struct {
	shape   Shape
	b       backend
	now     time.Time
	writers []*seat
	heads   []providers.RevisionID // as they followed each other
	told    map[providers.RevisionID]int
	broken  string
}

func newTable(shape Shape, rounds []int) *table {
	t := &table{shape: shape, told: map[providers.RevisionID]int{}}
	for i, n := range rounds {
		s := &seat{t: t, done: true}
		for round := range n {
			s.values = append(s.values, fmt.Sprintf("writer %d, round %d", i, round))
		}
		s.next, s.stop = iter.Pull(s.sit)
		t.writers = append(t.writers, s)
		s.step()
	}
	return t
}

// begin lays the table: two revisions are there, so that there is something to
// sweep, and every writer stands before its first call.
func (t *table) begin() {
	t.now, t.heads, t.broken = start, t.heads[:0], ""
	clear(t.told)
	t.b = newBackend(t.shape, func() time.Time { return t.now })
	c, ctx := t.b.client(atOnce{t}), context.Background()
	first, err := c.Write(ctx, secretName, secretOf("first"), "", providers.Note{Lineage: "l", Generation: 1})
	if err == nil {
		t.now = t.now.Add(time.Minute)
		_, err = c.Write(ctx, secretName, secretOf("second"), first.ID, providers.Note{Lineage: "l", Generation: 2})
	}
	if err != nil {
		panic(err)
	}
	t.now = t.now.Add(time.Minute)
	t.look()
	for _, s := range t.writers {
		s.replies, s.steps, s.done = fresh, 0, false
		s.step()
	}
}

func secretOf(s string) providers.Secret { return providers.NewSecret([]byte(s)) }

func (t *table) take(w byte) {
	t.writers[w].step()
	t.look()
}

// look holds the head against what was promised: it can always be read, and it
// only goes from a revision to one that was written after it.
func (t *table) look() {
	rev, ok := t.b.head()
	switch {
	case !ok:
		t.breaks("the head cannot be read")
	case len(t.heads) == 0 || t.heads[len(t.heads)-1] != rev.ID:
		if slices.Contains(t.heads, rev.ID) {
			t.breaks("revision %s is the head for the second time", rev.ID)
		}
		t.heads = append(t.heads, rev.ID)
	}
}

func (t *table) breaks(format string, args ...any) {
	if t.broken == "" {
		t.broken = fmt.Sprintf(format, args...)
	}
}

// alive lists the writers that can go on. One that never does is one that
// crashed: every state counts as an end for those who stay there.
func (t *table) alive() (who []byte) {
	for i, s := range t.writers {
		if !s.done {
			who = append(who, byte(i)) //nolint:gosec // two or three
		}
	}
	return who
}

// end sends home who still sits there.
func (t *table) end() {
	for _, s := range t.writers {
		if !s.done {
			s.left = true
			s.step()
			s.left = false
		}
	}
}

func (t *table) close() {
	t.end()
	for _, s := range t.writers {
		s.stop()
	}
}

// A seat is one writer at the table.
type seat struct {
	t       *table
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	values  []string // to write, one a round
	replies digest   // every one so far
	steps   int
	done    bool
	left    bool // the table is cleared: nothing that it still calls happens
}

// sit writes once each time that the table is laid.
func (s *seat) sit(yield func(struct{}) bool) {
	for s.yield = yield; yield(struct{}{}); s.done = true {
		for _, v := range s.values {
			s.write(v)
		}
	}
}

func (s *seat) step() {
	s.steps++
	s.next()
}

// write is what each writer does: read, write after what was read, and if that
// was the head, erase everything older.
func (s *seat) write(value string) {
	c, ctx := s.t.b.client(s), context.Background()
	base, err := c.Read(ctx, secretName)
	if s.note(err); err != nil {
		return
	}
	s.replies.text(base.ID)
	note := base.Note
	note.Generation++
	made, err := c.Write(ctx, secretName, secretOf(value), base.ID, note)
	if s.note(err); err != nil {
		return
	}
	if s.t.told[base.ID]++; s.t.told[base.ID] > 1 {
		s.t.breaks("two writers were told that theirs is the head after %s", base.ID)
	}
	s.replies.text(made.ID)
	revs, err := c.History(ctx, secretName)
	s.note(err)
	for _, rev := range revs {
		s.replies.text(rev.ID)
	}
	for _, rev := range revs {
		if rev.ID == made.ID {
			break
		}
		_, err := c.Erase(ctx, secretName, rev.ID, made.ID)
		s.note(err)
	}
}

// note takes in a reply.
func (s *seat) note(err error) {
	var e *providers.Error
	switch {
	case err == nil:
		s.replies.text("|")
	case errors.As(err, &e):
		s.replies.text(providers.RevisionID(e.Op))
		s.replies.text(providers.RevisionID(e.Kind.Error()))
	default:
		s.replies.text(providers.RevisionID(err.Error()))
	}
}

var errLeft = errors.New("the table is cleared")

func (s *seat) reach() {
	if !s.left {
		s.yield(struct{}{})
	}
}

func (s *seat) call(op string, _ error, do func() error) error {
	if s.reach(); s.left {
		return errLeft
	}
	err := do()
	s.note(err)
	s.t.answer(&s.replies, op)
	return err
}

// sleep lets the time pass for all; before that, any number of others may write
// in the same second.
func (s *seat) sleep(d time.Duration) {
	if s.reach(); !s.left {
		s.t.now = s.t.now.Add(d)
	}
}

// atOnce makes calls without anyone in between.
type atOnce struct{ t *table }

func (a atOnce) call(_ string, _ error, do func() error) error { return do() }
func (a atOnce) sleep(d time.Duration)                         { a.t.now = a.t.now.Add(d) }
