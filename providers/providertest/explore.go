package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// An Exploration follows every order in which the calls of a few writers can
// reach one service, each writer possibly stopping for ever before and after
// each of its calls: what internal/test/sim does with models of the protocols, with
// the adapter itself, the vendor's SDK and a fake. Each writer reads, writes
// after what it read, and erases all that is older if it won.
//
// It is exact: a process depends on nothing but the replies that it got, so two
// ways to the same service and the same replies are followed once.
type Exploration struct {
	Writers int
	Limit   int // of states, drawn by lot, where there are too many; 0 for all of them
	Scene   func() Scene
}

// A Scene is a fresh service that holds a head, as an Exploration sees it.
type Scene struct {
	// Store opens it for one writer. Every call of the API, and every sleep,
	// goes through turn.
	Store func(turn Turn) providers.Store
	// Head is the head by what the service holds, without the adapter's code, and
	// whether it can be read.
	Head func() (id providers.RevisionID, readable bool)
	// Holds is all that the service holds, alike for two that are.
	Holds func() string
	// After, if not nil, is asked once when all writers have stopped; ended
	// tells that none of them was in the midst of something. It returns what is
	// wrong, or "".
	After func(ended bool) string
}

// A Turn waits until it is the writer's, makes the call, and notes what the
// writer learns from it. It returns false, without the call, once the writer
// has stopped for ever.
type Turn func(call func() (learned string)) bool

// ErrStopped is for the calls of a writer that has stopped for ever.
var ErrStopped = errors.New("providertest: this writer has stopped")

// Explore draws some orders by lot, for `go test`; where `make interleavings`
// asks for it, it follows all of them.
func Explore(t *testing.T, e Exploration) {
	t.Helper()
	if os.Getenv("ROTATE_EXPLORE") == "" {
		e.Draw(t, 100)
		return
	}
	states, ends := e.All(t)
	whole := "all"
	if states == e.Limit {
		whole = "cut off"
	}
	t.Logf("%d writers: %d states (%s), %d ends", e.Writers, states, whole, ends)
}

// All returns how many different states there are, and how many of them are
// ends, in which no one can go on.
func (e Exploration) All(t testing.TB) (states, ends int) {
	seen := map[uint64]bool{}
	lot := rand.New(rand.NewPCG(1, 1)) // so that where it is cut off it is not one corner that was seen
	for todo := [][]byte{nil}; len(todo) > 0 && (e.Limit == 0 || states < e.Limit); {
		last := len(todo) - 1
		if e.Limit > 0 {
			i := lot.IntN(len(todo))
			todo[i], todo[last] = todo[last], todo[i]
		}
		schedule := todo[last]
		todo = todo[:last]
		p := e.replay(schedule)
		key, alive := p.key(), p.alive()
		if p.end(); p.told(t, schedule) {
			return states, ends
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		states++
		if len(alive) == 0 {
			ends++
		}
		for _, w := range alive {
			todo = append(todo, append(schedule[:len(schedule):len(schedule)], w))
		}
	}
	return states, ends
}

// Draw follows n orders drawn by lot, the same ones each time. In half of them
// someone stops on the way.
func (e Exploration) Draw(t testing.TB, n int) {
	lot := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		p, schedule := e.replay(nil), []byte(nil)
		stop := lot.IntN(30)
		for alive := p.alive(); len(alive) > 0 && (i%2 == 0 || len(schedule) < stop); alive = p.alive() {
			schedule = append(schedule, alive[lot.IntN(len(alive))])
			p.step(schedule[len(schedule)-1])
		}
		if p.end(); p.told(t, schedule) {
			return
		}
	}
}

// A play is one replay of a schedule.
type play struct {
	Scene
	seats  []*seat
	heads  []providers.RevisionID       // as they followed each other
	wins   map[providers.RevisionID]int // by base
	broken string
}

// A seat is one writer in it.
type seat struct {
	next    func() (struct{}, bool)
	stop    func()
	learned bytes.Buffer
	done    bool
}

func (e Exploration) replay(schedule []byte) *play {
	p := &play{Scene: e.Scene(), wins: map[providers.RevisionID]int{}}
	for i := range e.Writers {
		w := &seat{}
		w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
			p.write(p.Store(func(call func() string) bool {
				if !yield(struct{}{}) {
					return false
				}
				fmt.Fprintf(&w.learned, "%s|", call())
				return true
			}), fmt.Sprint("writer ", i))
		})
		p.seats = append(p.seats, w)
		p.step(byte(i)) //nolint:gosec // two or three
	}
	for _, w := range schedule {
		p.step(w)
	}
	return p
}

// step lets a writer go on to its next call.
func (p *play) step(w byte) {
	if _, more := p.seats[w].next(); !more {
		p.seats[w].done = true
	}
	p.look()
}

func (p *play) write(s providers.Store, value string) {
	ctx := context.Background()
	base, err := s.Read(ctx, name)
	if err != nil {
		return
	}
	made, err := s.Write(ctx, name, providers.NewSecret([]byte(value)), base.ID, note(base.Note.Generation+1))
	if err != nil {
		return
	}
	if p.wins[base.ID]++; p.wins[base.ID] > 1 {
		p.fail("two writers were told that theirs is the head after %s", base.ID)
	}
	revs, _ := s.History(ctx, name)
	for _, rev := range revs {
		if rev.ID != made.ID {
			_, _ = s.Erase(ctx, name, rev.ID, made.ID)
		}
	}
}

// look holds the head against what was promised: it can always be read, and no
// revision is it twice.
func (p *play) look() {
	head, readable := p.Head()
	switch {
	case !readable:
		p.fail("the head, %s, cannot be read", head)
	case len(p.heads) == 0 || p.heads[len(p.heads)-1] != head:
		if slices.Contains(p.heads, head) {
			p.fail("%s is the head for the second time", head)
		}
		p.heads = append(p.heads, head)
	}
}

func (p *play) fail(format string, args ...any) {
	if p.broken == "" {
		p.broken = fmt.Sprintf(format, args...)
	}
}

// told says whether something was broken, and tells of it.
func (p *play) told(t testing.TB, schedule []byte) bool {
	if p.broken != "" {
		t.Errorf("%s, in the order %v", p.broken, schedule)
	}
	return p.broken != ""
}

func (p *play) alive() (who []byte) {
	for i, w := range p.seats {
		if !w.done {
			who = append(who, byte(i)) //nolint:gosec // two or three
		}
	}
	return who
}

func (p *play) key() uint64 {
	h := fnv.New64a()
	for _, w := range p.seats {
		fmt.Fprintf(h, "%v %s\n", w.done, w.learned.Bytes())
	}
	fmt.Fprint(h, p.Holds())
	return h.Sum64()
}

// end stops those who have not ended, as a crash does.
func (p *play) end() {
	ended := len(p.alive()) == 0
	for _, w := range p.seats {
		w.stop()
	}
	if p.After != nil && p.broken == "" {
		if words := p.After(ended); words != "" {
			p.fail("%s", words)
		}
	}
}

// A Gate is a transport whose calls wait for a writer's turn.
type Gate struct {
	Fake http.RoundTripper
	Turn Turn                      // nil while the store is being opened
	Free func(*http.Request) bool  // calls that need no turn; nil for none
	Name func(reply string) string // replaces what is random in a reply; nil for nothing
}

// RoundTrip implements http.RoundTripper.
func (g *Gate) RoundTrip(r *http.Request) (res *http.Response, err error) {
	if g.Turn == nil || g.Free != nil && g.Free(r) {
		return g.Fake.RoundTrip(r)
	}
	err = ErrStopped
	g.Turn(func() string {
		var text []byte
		if res, err = g.Fake.RoundTrip(r); err != nil {
			return err.Error()
		}
		text, err = io.ReadAll(res.Body)
		res.Body = io.NopCloser(bytes.NewReader(text))
		learned := fmt.Sprint(res.StatusCode, " ", string(text))
		if g.Name != nil {
			learned = g.Name(learned)
		}
		return learned
	})
	return res, err
}
