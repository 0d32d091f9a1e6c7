package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// opened is a store that a test holds on to.
type opened struct{ providers.Store }

func (o *opened) Open(context.Context) (providers.Store, error) { return o.Store, nil }

// A fan is one key with all kinds of outputs, under virtual time.
type fan struct {
	t     *testing.T
	dir   string
	types stores.Registry
	key   *fleet.Key
	eng   *engine.Engine
	texts []string // every key that signed
	other *memory.Store

	frail  string            // begins the names of the outputs that die
	die    func(dead bool)   // and makes them so
	stores func(string) bool // tells whether a text can be read in a store
}

const fanConfig = `
environment: test
stores: {main: {type: main}, frail: {type: frail}, disk: {type: file, dir: ./keys}}
keys:
  auth-jwt:
    store: main
    every: 10d
    jitter: 0s
    outputs:
      - {store: frail, secret: copy}
      - {store: main, secret: app/jwt, format: value}
      - {store: disk, secret: copy}
      - {path: ./jwt, format: value}
      - {path: ./.env, format: env}
      - {path: ./list.json, format: list}
`

// newFan makes one of a config. Its stores are not opened yet.
func newFan(t *testing.T, dir, text string, stores stores.Registry) *fan {
	f := &fan{t: t, dir: dir}
	if err := os.WriteFile(filepath.Join(dir, "rotate.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(filepath.Join(dir, "rotate.yaml"), stores)
	if err != nil {
		t.Fatal(err)
	}
	h := hostOf(quiet)
	f.types, f.key, f.eng = stores, fleet.Of(conf, nil)[0], h.Look()
	return f
}

// memoryFan keeps its key in memory, and has outputs there and in files.
func memoryFan(t *testing.T) (f *fan, main *memory.Store) {
	main, other := memory.New(), memory.New()
	faulty := providertest.NewFaulty(other)
	f = newFan(t, t.TempDir(), fanConfig, stores.Registry{
		"file":  func() providers.Config { return &file.Config{} },
		"main":  func() providers.Config { return &opened{main} },
		"frail": func() providers.Config { return &opened{faulty} },
	})
	f.frail, f.other = "frail ", other
	f.die = func(dead bool) {
		faulty.On(nil)
		if dead {
			faulty.On(func(providertest.Call) *providertest.Fault {
				return &providertest.Fault{Before: providers.ErrUnavailable}
			})
		}
	}
	f.stores = func(text string) (found bool) {
		for _, s := range []*memory.Store{main, other} {
			for _, revs := range s.Peek() {
				for _, rev := range revs {
					found = found || bytes.Contains(rev.Value.Reveal(), []byte(text))
				}
			}
		}
		return found
	}
	return f, main
}

// ask makes a pass that has to succeed.
func (f *fan) ask(a engine.Ask) engine.Result {
	f.t.Helper()
	r, err := f.eng.Pass(f.t.Context(), f.key.Target, a)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// pass runs one pass and returns when to look again.
func (f *fan) pass() (engine.Result, time.Time) {
	f.t.Helper()
	r := f.ask(engine.Ask{})
	text := string(r.Set.Signing().Text().Reveal())
	if n := len(f.texts); n == 0 || f.texts[n-1] != text {
		f.texts = append(f.texts, text)
	}
	again := time.Now().Add(time.Hour)
	if at := r.Step.At; !at.IsZero() && at.Before(again) {
		again = at
	}
	return r, again
}

// until lives until something holds, at most for d.
func (f *fan) until(d time.Duration, done func(*keyset.Set) bool) *keyset.Set {
	f.t.Helper()
	for end := time.Now().Add(d); ; {
		r, again := f.pass()
		if done(r.Set) {
			return r.Set
		}
		if !again.Before(end) {
			f.t.Fatalf("it did not come to it: %v", r.Step)
		}
		time.Sleep(max(time.Until(again), time.Second))
	}
}

// dayOfDeath lives for a day with a dead output, in which no key may change its
// status, and checks that the others are served all the same.
func (f *fan) dayOfDeath() {
	f.t.Helper()
	f.die(true)
	r, _ := f.pass()
	before := r.Set.Generation
	for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(time.Hour) {
		r, _ = f.pass()
	}
	if r.Set.Generation != before || !strings.Contains(say.Alarms(r.Step.Alarms, say.Subject{}, say.Plain), f.frail) {
		f.t.Errorf("generation %d became %d while an output was dead; alarms %+v", before, r.Set.Generation, r.Step.Alarms)
	}
	for _, o := range r.Outputs {
		if !o.Behind.IsZero() != strings.HasPrefix(o.Name, f.frail) {
			f.t.Errorf("output %s: %+v", o.Name, o.Behind)
		}
	}
	f.die(false)
}

// readable tells whether a text stands anywhere.
func (f *fan) readable(text string) bool {
	found := false
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, []byte(text))
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return found || f.stores(text)
}

// revisions is the texts that a store still shows of a value, the newest last.
func revisions(s *memory.Store, name string) (texts []string) {
	for _, rev := range s.Peek()[name] {
		if rev.Value.Len() > 0 {
			texts = append(texts, string(rev.Value.Reveal()))
		}
	}
	return texts
}

// life goes through a whole rotation, with the frail output dead for a day before
// the promotion and for another before the removal. duringGrace looks at what
// stands where then.
func (f *fan) life(duringGrace func()) {
	f.t.Helper()
	f.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
	f.until(11*24*time.Hour, func(s *keyset.Set) bool { _, next := s.Next(); return next })
	f.dayOfDeath()
	f.until(24*time.Hour, func(s *keyset.Set) bool { return len(s.Previous()) == 1 })
	time.Sleep(30 * time.Hour)
	f.dayOfDeath()
	duringGrace() // long after superseded revisions go that nobody needs
	time.Sleep(time.Hour)
	s := f.until(3*24*time.Hour, func(s *keyset.Set) bool { return len(s.Keys) == 1 })
	for range 4 { // what is superseded goes a propagation later
		r, again := f.pass()
		for _, o := range r.Outputs {
			if !o.Behind.IsZero() {
				f.t.Errorf("output %s: %+v", o.Name, o.Behind)
			}
		}
		time.Sleep(time.Until(again))
	}
	for i, text := range f.texts {
		if got, want := f.readable(text), i == len(f.texts)-1; got != want {
			f.t.Errorf("key %d of %d is readable: %v", i+1, len(f.texts), got)
		}
	}
	if len(f.texts) != 2 || len(s.Gone) != 1 {
		f.t.Errorf("%d keys signed, %d are gone", len(f.texts), len(s.Gone))
	}
}

// Promises 2, 3 and 4 across every kind of output.
func TestPromise234OneKeyInManyPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, main := memoryFan(t)
		f.life(func() {
			if got := revisions(main, "app/jwt"); strings.Join(got, " ") != strings.Join(f.texts, " ") {
				t.Errorf("during the grace %d values can be read, want the current and the one before", len(got))
			}
		})
	})
}
