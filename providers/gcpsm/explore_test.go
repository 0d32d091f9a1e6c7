package gcpsm

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/gcpsm/gcpfake"
)

// Every order in which the calls of a few writers can reach the service, each
// writer possibly stopping for ever before and after each of its calls: what
// internal/sim explores on a model of this protocol, here on the adapter itself.
// Each writer reads, writes after what it read, and if that was the head erases
// all that is older. Two ways to the same service and the same replies are
// followed once.
func TestEveryInterleaving(t *testing.T) {
	limit, sizes := 1500, []int{2}
	if os.Getenv("ROTATE_EXPLORE") != "" {
		limit, sizes = 100_000, []int{2, 3}
	}
	for _, writers := range sizes {
		states, ends := explore(t, writers, limit)
		whole := "all"
		if states == limit {
			whole = "cut off"
		}
		t.Logf("%d writers: %d states (%s), %d ends", writers, states, whole, ends)
	}
}

func explore(t *testing.T, writers, limit int) (states, ends int) {
	seen := map[uint64]bool{}
	pick := rand.New(rand.NewPCG(1, 1)) // where the limit cuts it off, it is not one corner that was seen
	for todo := [][]byte{nil}; len(todo) > 0 && states < limit && !t.Failed(); {
		last, i := len(todo)-1, pick.IntN(len(todo))
		schedule := todo[i]
		todo[i], todo = todo[last], todo[:last]
		tb := replay(t, writers, schedule)
		key, alive := tb.key(), tb.alive()
		tb.end()
		if seen[key] {
			continue
		}
		seen[key] = true
		states++
		if len(alive) == 0 {
			ends++
			tb.atTheEnd()
		}
		for _, w := range alive {
			todo = append(todo, append(schedule[:len(schedule):len(schedule)], w))
		}
		if t.Failed() {
			t.Logf("schedule %v", schedule)
		}
	}
	return states, ends
}

// A scene is one replay: the service, the writers, and what they were told.
type scene struct {
	t     *testing.T
	fake  *gcpfake.Fake
	seats []*seat
	heads []int64 // as they followed each other
	told  map[providers.RevisionID]int
}

// A seat is one writer in it.
type seat struct {
	next  func() (struct{}, bool)
	stop  func()
	close func()
	yield func(struct{}) bool
	log   []byte // every reply so far
	done  bool
}

type killed struct{} // unwinds a writer when a replay ends

func replay(t *testing.T, writers int, schedule []byte) *scene {
	tb := &scene{t: t, fake: gcpfake.New(), told: map[providers.RevisionID]int{}}
	conn, stop := tb.fake.Direct(nil)
	defer stop()
	begin := onConn(t, conn, Config{})
	write(t, begin, "first", "", 1)
	for i := range writers {
		tb.seats = append(tb.seats, tb.sit(fmt.Sprint("writer ", i)))
	}
	tb.look()
	for _, w := range schedule {
		tb.seats[w].step()
		tb.look()
	}
	return tb
}

func (tb *scene) sit(value string) *seat {
	s := &seat{}
	conn, stop := tb.fake.Direct(func(reply proto.Message, call func() error) error {
		if !s.yield(struct{}{}) {
			panic(killed{})
		}
		err := call()
		s.log = fmt.Append(s.log, told(reply), err, "|")
		return err
	})
	st := onConn(tb.t, conn, Config{})
	st.api.CallOptions = &secretmanager.CallOptions{}
	s.close = stop
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil && v != (killed{}) {
				panic(v)
			}
		}()
		s.yield = yield
		tb.write(st, value)
	})
	s.step()
	return s
}

// told is what a reply tells a process, but for the nonce and the time.
func told(reply proto.Message) string {
	switch r := reply.(type) {
	case *secretmanagerpb.Secret:
		st, _ := newState(r)
		return fmt.Sprint(r.GetEtag(), st.alias, st.rec.Copy, slices.Sorted(maps.Keys(st.rec.Heads)))
	case *secretmanagerpb.SecretVersion:
		return fmt.Sprint(r.GetName(), r.GetState(), r.GetEtag())
	case *secretmanagerpb.ListSecretVersionsResponse:
		text := ""
		for _, v := range r.GetVersions() {
			text += told(v)
		}
		return text
	case *secretmanagerpb.AccessSecretVersionResponse:
		return r.GetName()
	}
	return fmt.Sprintf("%T", reply)
}

func (tb *scene) write(s *store, value string) {
	ctx := context.Background()
	base, err := s.Read(ctx, name)
	if err != nil {
		return
	}
	n := base.Note
	n.Generation++
	made, err := s.Write(ctx, name, providers.NewSecret([]byte(value)), base.ID, n)
	if err != nil {
		return
	}
	if tb.told[base.ID]++; tb.told[base.ID] > 1 {
		tb.t.Errorf("two writers were told that theirs is the head after %s", base.ID)
	}
	revs, err := s.History(ctx, name)
	if err != nil {
		return
	}
	for _, rev := range revs {
		if rev.ID != made.ID {
			_, _ = s.Erase(ctx, name, rev.ID, made.ID)
		}
	}
}

func (s *seat) step() {
	if _, ok := s.next(); !ok {
		s.done = true
	}
}

// look holds the service against what was promised: the head can always be
// read, only goes from a version to one that was written after it, and `latest`
// is never one that was destroyed.
func (tb *scene) look() {
	states, alias := tb.fake.Versions(name), tb.fake.Aliases(name)[aliasName]
	switch {
	case states[alias] != secretmanagerpb.SecretVersion_ENABLED:
		tb.t.Errorf("the head, version %d, is %s", alias, states[alias])
	case states[int64(len(states))] != secretmanagerpb.SecretVersion_ENABLED:
		tb.t.Errorf("latest, version %d, is %s", len(states), states[int64(len(states))])
	case len(tb.heads) == 0 || tb.heads[len(tb.heads)-1] != alias:
		if slices.Contains(tb.heads, alias) {
			tb.t.Errorf("version %d is the head for the second time", alias)
		}
		tb.heads = append(tb.heads, alias)
	}
}

// atTheEnd no writer was stopped, and none has left anything above the head but
// a copy of it.
func (tb *scene) atTheEnd() {
	held, alias := tb.fake.Held(name), tb.fake.Aliases(name)[aliasName]
	for n, value := range held {
		if n > alias && value != held[alias] {
			tb.t.Errorf("version %d, above the head %d, is left", n, alias)
		}
	}
}

func (tb *scene) alive() (who []byte) {
	for i, s := range tb.seats {
		if !s.done {
			who = append(who, byte(i))
		}
	}
	return who
}

func (tb *scene) key() uint64 {
	h := fnv.New64a()
	for _, s := range tb.seats {
		fmt.Fprintf(h, "%v %s\n", s.done, s.log)
	}
	fmt.Fprint(h, tb.fake.Versions(name), tb.fake.Aliases(name), tb.fake.Etags())
	return h.Sum64()
}

func (tb *scene) end() {
	for _, s := range tb.seats {
		s.stop()
		s.close()
	}
}
