package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// An Exploration tries every order in which the calls of a few writers can
// reach one service, with every writer possibly stopping for ever before and
// after each of its calls. It is exact: a process depends on nothing but the
// replies that it got, so two ways to the same service and the same replies
// need to be followed only once.
type Exploration struct {
	Shape   Shape
	Writers int // each reads, writes after what it read, and sweeps if it won
	Rounds  int // so many times
	States  int // different ones seen
	Ends    int // of them, those in which no one can go on
	Broken  string
}

// Explore tries them all, up to a limit of states.
func Explore(shape Shape, writers, rounds, limit int) *Exploration {
	e := &Exploration{Shape: shape, Writers: writers, Rounds: rounds}
	seen := map[uint64]bool{}
	todo := [][]byte{nil} // schedules: which writer takes its next step
	for len(todo) > 0 && e.Broken == "" && e.States < limit {
		schedule := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		t := e.replay(schedule)
		key := t.key()
		alive := t.alive()
		e.Broken = t.broken
		t.end()
		if seen[key] {
			continue
		}
		seen[key] = true
		e.States++
		if len(alive) == 0 {
			e.Ends++
		}
		for _, w := range alive {
			todo = append(todo, append(schedule[:len(schedule):len(schedule)], w))
		}
	}
	return e
}

// A table is one replay: the service, the writers, and what they were told.
type table struct {
	b       backend
	now     time.Time
	writers []*seat
	heads   []providers.RevisionID // as they followed each other
	told    map[providers.RevisionID]int
	broken  string
}

// killed unwinds a writer when a replay ends.
type killed struct{}

// A seat is one writer at the table.
type seat struct {
	t     *table
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	log   []byte // every reply so far
	steps int
	done  bool
}

func (e *Exploration) replay(schedule []byte) *table {
	t := &table{now: start, told: map[providers.RevisionID]int{}}
	t.b = newBackend(e.Shape, func() time.Time { return t.now })
	t.begin()
	for i := range e.Writers {
		s := &seat{t: t}
		s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
			defer func() {
				if v := recover(); v != nil && v != (killed{}) {
					panic(v)
				}
			}()
			s.yield = yield
			for n := range e.Rounds {
				s.write(fmt.Sprintf("writer %d, round %d", i, n))
			}
		})
		t.writers = append(t.writers, s)
		s.step()
	}
	for _, w := range schedule {
		t.writers[w].step()
		t.look()
	}
	return t
}

// begin puts two revisions there, so that there is something to sweep.
func (t *table) begin() {
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
}

func secretOf(s string) providers.Secret { return providers.NewSecret([]byte(s)) }

// write is what each writer does: read, write after what was read, and if that
// was the head, erase everything older.
func (s *seat) write(value string) {
	c, ctx := s.t.b.client(s), context.Background()
	base, err := c.Read(ctx, secretName)
	if s.note(err); err != nil {
		return
	}
	note := base.Note
	note.Generation++
	made, err := c.Write(ctx, secretName, secretOf(value), base.ID, note)
	if s.note(err); err != nil {
		return
	}
	if s.t.told[base.ID]++; s.t.told[base.ID] > 1 {
		s.t.broken = fmt.Sprintf("two writers were told that theirs is the head after %s", base.ID)
	}
	s.log = append(s.log, made.ID...)
	revs, err := c.History(ctx, secretName)
	s.note(err)
	for _, rev := range revs {
		if rev.ID == made.ID {
			break
		}
		s.log = append(s.log, rev.ID...)
		_, err := c.Erase(ctx, secretName, rev.ID, made.ID)
		s.note(err)
	}
}

func (s *seat) note(err error) {
	s.log = append(s.log, '|')
	if err != nil {
		s.log = append(s.log, err.Error()...)
	}
}

func (s *seat) step() {
	if _, ok := s.next(); !ok {
		s.done = true
	}
	s.steps++
}

func (s *seat) reach() {
	if !s.yield(struct{}{}) {
		panic(killed{})
	}
}

func (s *seat) call(_ string, _ error, do func() error) error {
	s.reach()
	err := do()
	s.note(err)
	return err
}

// sleep lets the time pass for all; before that, any number of others may write
// in the same second.
func (s *seat) sleep(d time.Duration) {
	s.reach()
	s.t.now = s.t.now.Add(d)
}

// atOnce makes calls without anyone in between.
type atOnce struct{ t *table }

func (a atOnce) call(_ string, _ error, do func() error) error { return do() }
func (a atOnce) sleep(d time.Duration)                         { a.t.now = a.t.now.Add(d) }

// look holds the head against what was promised: it can always be read, and it
// only goes from a revision to one that was written after it.
func (t *table) look() {
	rev, ok := t.b.head()
	switch {
	case !ok:
		if t.broken == "" {
			t.broken = "the head cannot be read"
		}
	case len(t.heads) == 0 || t.heads[len(t.heads)-1] != rev.ID:
		for _, old := range t.heads {
			if old == rev.ID && t.broken == "" {
				t.broken = fmt.Sprintf("revision %s is the head for the second time", old)
			}
		}
		t.heads = append(t.heads, rev.ID)
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

func (t *table) key() uint64 {
	h := fnv.New64a()
	for _, s := range t.writers {
		fmt.Fprintf(h, "%d %v %s\n", s.steps, s.done, s.log)
	}
	fmt.Fprintf(h, "%v %s", t.now.Sub(start), fingerprint(t.b))
	return h.Sum64()
}

func (t *table) end() {
	for _, s := range t.writers {
		s.stop()
	}
}

// fingerprint is all that a service holds.
func fingerprint(b backend) string {
	text := ""
	for _, r := range b.readable() {
		text += string(r.ID) + " "
	}
	head, _ := b.head()
	switch b := b.(type) {
	case *labelled:
		text += fmt.Sprint(len(b.versions), b.before)
	case *aliased:
		text += fmt.Sprint(len(b.versions), b.etag)
	case *detected:
		for _, v := range b.versions {
			text += fmt.Sprint(v.ID, v.parent, v.copyOf, v.disabled, v.Created.Sub(start))
		}
	}
	return text + string(head.ID)
}
