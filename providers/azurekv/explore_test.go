package azurekv

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/azurekv/azurefake"
)

// Every order in which the HTTP calls of two writers can reach the service, with
// every writer possibly stopping for ever before and after each of them: what
// internal/sim does with a model of the protocol, with the adapter itself, the
// SDK, and the fake. Two ways to the same versions and the same replies are
// followed once.
func TestEveryInterleaving(t *testing.T) {
	if os.Getenv("ROTATE_EXPLORE") == "" {
		t.Skip("takes a minute: run `make interleavings`; TestSomeInterleavings draws from them")
	}
	seen, todo, ends := map[uint64]bool{}, [][]byte{nil}, 0
	for len(todo) > 0 {
		schedule := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		b := replay(t, 2)
		for _, w := range schedule {
			b.step(w)
		}
		key, alive := b.key(), b.alive()
		if len(alive) == 0 && !seen[key] {
			ends++
		}
		if b.end(); b.broken != "" {
			t.Fatalf("%s, in the order %v", b.broken, schedule)
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, w := range alive {
			todo = append(todo, append(schedule[:len(schedule):len(schedule)], w))
		}
	}
	t.Logf("2 writers: %d states, %d ends", len(seen), ends)
}

// The same, drawn by lot, and with three writers as well.
func TestSomeInterleavings(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	for n := range 100 {
		b, schedule := replay(t, 2+n%2), []byte(nil)
		for alive := b.alive(); len(alive) > 0 && b.broken == ""; alive = b.alive() {
			schedule = append(schedule, alive[rng.IntN(len(alive))])
			b.step(schedule[len(schedule)-1])
		}
		if b.end(); b.broken != "" {
			t.Fatalf("%s, in the order %v", b.broken, schedule)
		}
	}
}

// A board is one replay.
type board struct {
	t       testing.TB
	f       *azurefake.Fake
	now     time.Time
	writers []*seat
	heads   []string // as they followed each other
	told    map[providers.RevisionID]int
	broken  string
}

// A seat is one writer.
type seat struct {
	b     *board
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	log   io.Writer
	sum   func() uint64
	done  bool
}

// errKilled unwinds a writer when a replay ends.
var errKilled = errors.New("killed")

// replay seats the writers at a secret of two versions, so that there is
// something to erase.
func replay(t testing.TB, writers int) *board {
	b := &board{t: t, f: azurefake.New(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), told: map[providers.RevisionID]int{}}
	b.f.Clock(func() time.Time { return b.now })
	s := b.store(b.f, "setup", func(d time.Duration) error { b.now = b.now.Add(d); return nil })
	second := write(t, s, "second", write(t, s, "first", "", 1).ID, 2)
	b.heads = []string{string(second.ID)}
	for i := range writers {
		sum := fnv.New64a()
		w := &seat{b: b, log: sum, sum: sum.Sum64}
		w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
			w.yield = yield
			w.write(b.store(w, fmt.Sprint("writer ", i), func(d time.Duration) error {
				if !w.yield(struct{}{}) {
					return errKilled
				}
				b.now = b.now.Add(d)
				return nil
			}), fmt.Sprint("writer ", i))
		})
		b.writers = append(b.writers, w)
		b.step(byte(i)) //nolint:gosec // two or three
	}
	return b
}

// step lets one writer make its next call, or sleep.
func (b *board) step(w byte) {
	if _, more := b.writers[w].next(); !more {
		b.writers[w].done = true
	}
	b.look()
}

// end stops those who have not ended, as a crash does, and lets someone read.
func (b *board) end() {
	for _, w := range b.writers {
		w.stop()
	}
	if b.broken == "" {
		b.readers()
	}
}

// store is the real one, with a wire and a clock of the board.
func (b *board) store(wire interface {
	Do(*http.Request) (*http.Response, error)
}, who string, sleep func(time.Duration) error,
) *store {
	s, err := (&Config{Vault: azurefake.Vault}).store(credential{}, cloud.AzurePublic, wire)
	must(b.t, err)
	s.sleep = func(_ context.Context, d time.Duration) error { return sleep(d) }
	s.newID = func() string { return who + fmt.Sprint(len(b.f.Versions(name))) }
	return s
}

// Do makes a call when it is this writer's turn.
func (w *seat) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" { // the challenge
		return w.b.f.Do(r)
	}
	if !w.yield(struct{}{}) {
		return nil, errKilled
	}
	res, err := w.b.f.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(res.Body)
	fmt.Fprintf(w.log, "%d %s\n", res.StatusCode, text)
	res.Body = io.NopCloser(strings.NewReader(string(text)))
	return res, err
}

// write reads, writes after what it read, and erases what is older if it won.
func (w *seat) write(s *store, value string) {
	ctx := context.Background()
	base, err := s.Read(ctx, name)
	if err != nil {
		return
	}
	made, err := s.Write(ctx, name, providers.NewSecret([]byte(value)), base.ID, note(base.Note.Generation+1))
	if err != nil {
		return
	}
	if w.b.told[base.ID]++; w.b.told[base.ID] > 1 {
		w.b.broken = fmt.Sprintf("two writers were told that theirs is the head after %s", base.ID)
	}
	revs, _ := s.History(ctx, name)
	for _, rev := range revs {
		if rev.ID != made.ID {
			_, _ = s.Erase(ctx, name, rev.ID, made.ID)
		}
	}
}

func (b *board) alive() (who []byte) {
	for i, w := range b.writers {
		if !w.done {
			who = append(who, byte(i)) //nolint:gosec // two or three
		}
	}
	return who
}

// look holds what is there against what was promised: the head can be read, it
// never comes back, and applications are never refused.
func (b *board) look() {
	all := b.f.Versions(name)
	head, enabled := b.head(all)
	switch {
	case b.broken != "":
	case !enabled:
		b.broken = "the head is disabled"
	case !all[len(all)-1].Enabled:
		b.broken = "applications are refused: the newest version is disabled"
	case head != b.heads[len(b.heads)-1]:
		if slices.Contains(b.heads, head) {
			b.broken = fmt.Sprintf("version %s is the head for the second time", head)
		}
		b.heads = append(b.heads, head)
	}
}

// head finds the settled head without the adapter's code.
func (b *board) head(all []azurefake.Version) (id string, enabled bool) {
	for parent := "none"; ; parent = id {
		best := azurefake.Version{}
		for _, v := range all {
			if v.Tags["rotate-parent"] == parent && (best.ID == "" || v.Created.Before(best.Created) || v.Created.Equal(best.Created) && v.ID < best.ID) {
				best = v
			}
		}
		if best.ID == "" || b.now.Truncate(time.Second).Before(best.Created.Add(2*time.Second)) {
			return id, enabled
		}
		id, enabled = best.ID, best.Enabled
	}
}

// readers checks that after one more Read applications read the head.
func (b *board) readers() {
	s := b.store(b.f, "reader", func(d time.Duration) error { b.now = b.now.Add(d); return nil })
	rev, err := s.Read(context.Background(), name)
	all := b.f.Versions(name)
	if head, _ := b.head(all); err != nil || string(rev.ID) != head || all[len(all)-1].Value != string(rev.Value.Reveal()) {
		b.broken = fmt.Sprintf("after a Read (%v) of %s applications do not read the head %s", err, rev.ID, head)
	}
}

func (b *board) key() uint64 {
	h := fnv.New64a()
	for _, w := range b.writers {
		fmt.Fprintln(h, w.sum(), w.done)
	}
	for _, v := range b.f.Versions(name) {
		fmt.Fprintln(h, v)
	}
	fmt.Fprintln(h, b.now.UnixNano())
	return h.Sum64()
}
