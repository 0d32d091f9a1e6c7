package engine_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	day   = 24 * time.Hour
	every = 10 * day
	grace = 48 * time.Hour
	prop  = 2 * time.Hour
	name  = "test-auth-jwt"
)

// A rig is one key in a memory store, with every call under a test's control.
// It runs in a synctest bubble: its days take no time.
type rig struct {
	t      *testing.T
	store  *memory.Store
	calls  *providertest.Faulty
	target engine.Target
	engine *engine.Engine
	*journal
}

// A journal is what all processes of a rig did.
type journal struct {
	mu     sync.Mutex
	events []engine.Event
	made   []string // the text of every key that was generated
}

func newRig(t *testing.T, opts ...memory.Option) *rig {
	r := &rig{t: t, store: memory.New(opts...), journal: &journal{}}
	r.calls = providertest.NewFaulty(r.store)
	r.target = engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: "disk", Store: r.calls, Secret: name,
		Policy:   rotation.Policy{Schedule: rotation.Every(every), Grace: grace, Propagation: prop},
		Generate: r.generate,
	}
	r.restart()
	return r
}

// restart is a new process: nothing of the old one's memory is left.
func (r *rig) restart() { r.engine = r.process("rotate test 1") }

func (r *rig) process(actor string) *engine.Engine {
	return &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: actor, Audit: func(ev engine.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, ev)
	}}
}

func (r *rig) generate() (keyset.Key, error) {
	text := "canary-" + rand.Text() + rand.Text()
	r.mu.Lock()
	r.made = append(r.made, text)
	r.mu.Unlock()
	return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(text)), "")
}

// pass runs one pass that has to succeed.
func (r *rig) pass(ask engine.Ask) engine.Result {
	r.t.Helper()
	res, err := r.engine.Pass(context.Background(), r.target, ask)
	if err != nil {
		r.t.Fatalf("pass: %v", err)
	}
	return res
}

// run lives until a time from now, as a daemon would: it sleeps until the step
// says, looks twice a day, and tries again a minute after an error.
func (r *rig) run(d time.Duration) (last engine.Result) {
	r.t.Helper()
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		res, err := r.engine.Pass(context.Background(), r.target, engine.Ask{})
		wake := time.Now().Add(12 * time.Hour)
		switch {
		case err != nil:
			wake = time.Now().Add(time.Minute)
		case !res.Step.At.IsZero() && res.Step.At.Before(wake):
			wake = res.Step.At
		}
		if wake.After(end) {
			wake = end
		}
		time.Sleep(max(time.Until(wake), time.Second))
		last = res
	}
	return last
}

// set is the document as it stands.
func (r *rig) set() *keyset.Set {
	r.t.Helper()
	rev, err := r.store.Read(context.Background(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

// story is the audit log in short: "publish g2", one entry for each write or
// erasure.
func (r *rig) story() []string {
	var out []string
	for _, ev := range r.events {
		line := fmt.Sprintf("%s g%d", ev.Action, ev.Generation)
		if ev.Action == "refuse" {
			line = "refuse"
		}
		if len(out) == 0 || out[len(out)-1] != line {
			out = append(out, line)
		}
	}
	return out
}

// actions counts the writes of one kind.
func (r *rig) actions(a rotation.Action) int {
	n := map[uint64]bool{}
	for _, ev := range r.events {
		if ev.Action == string(a) {
			n[ev.Generation] = true
		}
	}
	return len(n)
}

// readable tells which of the texts can still be read anywhere in a store.
func readable(s *memory.Store, text string) bool {
	for _, revs := range s.Peek() {
		for _, rev := range revs {
			if bytes.Contains(rev.Value.Reveal(), []byte(text)) {
				return true
			}
		}
	}
	return false
}

// kinds lists the statuses in a set, in order.
func kinds(s *keyset.Set) string {
	var out []string
	for _, k := range s.Keys {
		out = append(out, string(k.Status))
	}
	return strings.Join(out, " ")
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// keysetOutput is an output that carries the whole keyset.
func keysetOutput(name string, s providers.Store) engine.Output {
	return engine.Output{Name: name, Store: s, Secret: "out-" + name, CarriesNext: true, Render: (*keyset.Set).Projection}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n  got  %s\n  want %s", what, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// about is the rig's key, for words.
var about = say.Subject{Key: "auth-jwt", Store: "disk", Secret: name}

// why is why a key halted, in words.
func why(r engine.Result) string { return say.Halt(r.Step.Why, about).String() }

// alarms is what needs a person, in words.
func alarms(r engine.Result) string {
	if r.Step.Do == rotation.Halt {
		return why(r)
	}
	return say.Alarms(r.Step.Alarms, about, say.Plain)
}
