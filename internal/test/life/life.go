// Package life leads one key through a creation and a rotation: the whole engine
// and a whole adapter, over the fake of its service, in a testing/synctest bubble.
// It holds that the key ends as promised whatever goes wrong with any one call,
// and however many processes look after the key at once.
package life

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// The key's policy, and its secret.
const (
	Day         = 24 * time.Hour
	Every       = 8 * Day // between two rotations
	Grace       = 48 * time.Hour
	Propagation = 2 * time.Hour
	Secret      = "production-auth-jwt"
)

// A World is one service with nothing in it, and how processes reach it.
type World struct {
	Fake   any // for the adapter's own tests
	Script *fakes.Script
	// Open is what a new process does. It may fail, as a pass may.
	Open func(context.Context) (providers.Store, error)
	// Frozen is a store in a process that is stopped, and so sees no deadline pass;
	// nil if there is none. Then a call that is paused arrives late by itself.
	Frozen func(providers.Store) providers.Store
	// Ends holds what only this service can show at the end of a life.
	Ends func(l *Life, head providers.Revision, set *keyset.Set)
}

// A Life is one key at one service, as one process looks after it.
type Life struct {
	T      testing.TB
	World  World
	Target engine.Target
	Engine *engine.Engine // nil until Start

	killed atomic.Bool // the next pass is of a new process
	frozen bool
	*record
}

// A record is what all processes of a life have done. Safe for concurrent use.
type record struct {
	mu     sync.Mutex
	made   []string // the text of every key that was generated
	events []engine.Event
	errs   []error
}

// New returns a life that has not begun.
func New(t testing.TB, w World) *Life { return newLife(t, w, new(record)) }

// Other returns another process that looks after the same key.
func (l *Life) Other() *Life { return newLife(l.T, l.World, l.record) }

func newLife(t testing.TB, w World, r *record) *Life {
	return &Life{T: t, World: w, record: r, Target: engine.Target{
		Name: "auth-jwt", Environment: "production", StoreName: "store", Secret: Secret,
		Policy:   rotation.Policy{Schedule: rotation.Every(Every), Grace: Grace, Propagation: Propagation},
		Generate: r.Generate,
	}}
}

// Generate makes a key whose text is easily found where it must not be.
func (r *record) Generate() (keyset.Key, error) {
	text := "canary-" + rand.Text() + rand.Text()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, text)
	return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(text)), "")
}

// Made are the texts of all keys that were generated.
func (r *record) Made() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.made)
}

// Events are what the audit log would have.
func (r *record) Events() []engine.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Errs are the errors of the passes that failed.
func (r *record) Errs() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errs)
}

// Start begins a new process.
func (l *Life) Start() error {
	l.Engine = nil
	store, err := l.World.Open(context.Background())
	if err != nil {
		return err
	}
	if l.frozen {
		store = l.World.Frozen(store)
	}
	l.Target.Store = store
	l.Engine = NewEngine(func(ev engine.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, ev)
	})
	return nil
}

// NewEngine returns the engine of a new process.
func NewEngine(audit func(engine.Event)) *engine.Engine {
	return &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "rotate test", Audit: audit}
}

// Pass makes one pass, and fails the test if it fails.
func (l *Life) Pass(ask engine.Ask) engine.Result {
	l.T.Helper()
	res, err := l.pass(ask)
	if err != nil {
		l.T.Fatal(err)
	}
	return res
}

// pass makes one pass. A process that was killed is a new one.
func (l *Life) pass(ask engine.Ask) (engine.Result, error) {
	if l.killed.Swap(false) || l.Engine == nil {
		if err := l.Start(); err != nil {
			return engine.Result{}, err
		}
	}
	return l.Engine.Pass(context.Background(), l.Target, ask)
}

// Run is what a daemon does: it sleeps until the step says, looks once a day, and
// tries again a minute after an error.
func (l *Life) Run(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		res, err := l.pass(engine.Ask{})
		wake := time.Now().Add(Day)
		switch {
		case err != nil:
			l.mu.Lock()
			l.errs = append(l.errs, err)
			l.mu.Unlock()
			wake = time.Now().Add(time.Minute)
		case !res.Step.At.IsZero() && res.Step.At.Before(wake):
			wake = res.Step.At
		}
		time.Sleep(max(min(time.Until(wake), time.Until(end)), time.Second))
	}
}

// Head is the key as the store has it, and its document.
func (l *Life) Head() (providers.Revision, *keyset.Set) {
	l.T.Helper()
	head, err := l.Target.Store.Read(context.Background(), l.Target.Secret)
	if err != nil {
		l.T.Fatal(err)
	}
	set, err := keyset.Parse(head.Value.Reveal())
	if err != nil {
		l.T.Fatal(err)
	}
	return head, set
}

// EndsWell holds that one creation and one rotation are done and nothing is left:
// one lineage, one key, its predecessor erased after its grace, and no alarm.
func (l *Life) EndsWell() {
	l.T.Helper()
	l.endsWell(true)
}

// endsWell: heard tells that a process heard of all that it did, and so each
// transition is in the audit log.
func (l *Life) endsWell(heard bool) {
	l.T.Helper()
	head, set := l.Head()
	if set.Generation != 4 || len(set.Keys) != 1 || len(set.Gone) != 1 {
		l.T.Errorf("ends at generation %d with %d keys and %d gone, want 4, 1 and 1", set.Generation, len(set.Keys), len(set.Gone))
	} else if kept := set.Gone[0].At.Sub(set.Signing().NotBefore); kept < Grace {
		l.T.Errorf("promise 3: the old key went %s after the promotion", kept)
	}
	if head.Note.Generation != set.Generation || head.Note.Digest != set.Digest {
		l.T.Errorf("the note is %+v", head.Note)
	}
	done := map[string]map[uint64]bool{}
	for _, ev := range l.Events() {
		if done[ev.Action] == nil {
			done[ev.Action] = map[uint64]bool{}
		}
		done[ev.Action][ev.Generation] = true
		if ev.Action == "refuse" {
			l.T.Errorf("an alarm for no reason: %s", ev.Reason)
		}
	}
	for _, action := range []rotation.Action{rotation.Create, rotation.Publish, rotation.Promote, rotation.Retire} {
		if n := len(done[string(action)]); n > 1 || n == 0 && heard {
			l.T.Errorf("%s was done %d times", action, n)
		}
	}
	for _, err := range l.Errs() {
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "canary") || strings.Contains(text, "Y2FuYXJ5") { // base64
			l.T.Error("an error holds a key")
		}
	}
	l.World.Ends(l, head, set)
}

// Superseded are the texts that must not be found any more once set is all there is.
func (l *Life) Superseded(set *keyset.Set) (texts []string) {
	current := string(set.Signing().Text().Reveal())
	return slices.DeleteFunc(l.Made(), func(text string) bool { return text == current })
}

// Halfway leads a life to where the key has a previous one beside it, and a next.
// step, if it is not nil, is called after each pass.
func (l *Life) Halfway(step func()) {
	l.T.Helper()
	for _, ask := range []engine.Ask{{}, {Rotate: true}, {}, {Rotate: true}} {
		l.Pass(ask)
		if step != nil {
			step()
		}
		time.Sleep(Propagation + rotation.Skew)
	}
}
