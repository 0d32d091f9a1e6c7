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
	main  *memory.Store // the key's own, and of one value
	other *memory.Store // of one keyset, and the one that dies
	frail *providertest.Faulty
	key   *key
	eng   *engine.Engine
	texts []string // every key that signed
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

func newFan(t *testing.T) *fan {
	f := &fan{t: t, dir: t.TempDir(), main: memory.New(), other: memory.New()}
	f.frail = providertest.NewFaulty(f.other)
	if err := os.WriteFile(filepath.Join(f.dir, "rotate.yaml"), []byte(fanConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	a := system()
	a.configPath = filepath.Join(f.dir, "rotate.yaml")
	a.stores = config.Registry{
		"file":  func() config.StoreConfig { return &file.Config{} },
		"main":  func() config.StoreConfig { return &opened{f.main} },
		"frail": func() config.StoreConfig { return &opened{f.frail} },
	}
	keys, err := a.keys(choice{all: true})
	if err != nil {
		t.Fatal(err)
	}
	f.key, f.eng = keys[0], a.engine(nil)
	return f
}

// pass runs one pass and returns when to look again.
func (f *fan) pass() (engine.Result, time.Time) {
	f.t.Helper()
	r, err := f.eng.Pass(f.t.Context(), f.key.Target, engine.Ask{})
	if err != nil {
		f.t.Fatal(err)
	}
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

func (f *fan) dead(dead bool) {
	f.frail.On(nil)
	if dead {
		f.frail.On(func(providertest.Call) *providertest.Fault {
			return &providertest.Fault{Before: providers.ErrUnavailable}
		})
	}
}

// dayOfDeath lives for a day with a dead output, in which no key may change its
// status, and checks that the others are served all the same.
func (f *fan) dayOfDeath() {
	f.t.Helper()
	f.dead(true)
	r, _ := f.pass()
	before := r.Set.Generation
	for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(30 * time.Minute) {
		r, _ = f.pass()
	}
	if r.Set.Generation != before || !strings.Contains(r.Step.Alarm, "frail copy") {
		f.t.Errorf("generation %d became %d while an output was dead; alarm %q", before, r.Set.Generation, r.Step.Alarm)
	}
	for _, o := range r.Outputs {
		if (o.Behind != "") != (o.Name == "frail copy") {
			f.t.Errorf("output %s: %q", o.Name, o.Behind)
		}
	}
	f.dead(false)
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
	for _, s := range []*memory.Store{f.main, f.other} {
		for _, revs := range s.Peek() {
			for _, rev := range revs {
				found = found || bytes.Contains(rev.Value.Reveal(), []byte(text))
			}
		}
	}
	return found
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

// Promises 2, 3 and 4 across every kind of output, one of which is dead for a
// day before the promotion and for another before the removal.
func TestPromise234OneKeyInManyPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFan(t)
		f.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
		f.until(11*24*time.Hour, func(s *keyset.Set) bool { _, next := s.Next(); return next })
		f.dayOfDeath()
		f.until(24*time.Hour, func(s *keyset.Set) bool { return len(s.Previous()) == 1 })
		if got := revisions(f.main, "app/jwt"); strings.Join(got, " ") != strings.Join(f.texts, " ") {
			t.Errorf("during the grace %d values can be read, want the current and the one before", len(got))
		}
		time.Sleep(30 * time.Hour)
		f.dayOfDeath()
		time.Sleep(time.Hour)
		s := f.until(3*24*time.Hour, func(s *keyset.Set) bool { return len(s.Keys) == 1 })
		for range 4 { // what is superseded goes a propagation later
			r, again := f.pass()
			for _, o := range r.Outputs {
				if o.Behind != "" {
					t.Errorf("output %s: %s", o.Name, o.Behind)
				}
			}
			time.Sleep(time.Until(again))
		}
		for i, text := range f.texts {
			if got, want := f.readable(text), i == len(f.texts)-1; got != want {
				t.Errorf("key %d of %d is readable: %v", i+1, len(f.texts), got)
			}
		}
		if len(f.texts) != 2 || len(s.Gone) != 1 {
			t.Errorf("%d keys signed, %d are gone", len(f.texts), len(s.Gone))
		}
	})
}

// A reader of the format value polls its file each minute and knows one key.
// Its refusals are bound to the poll interval; with the file of the previous key
// and one more look at both when a signature is unknown, there are none.
func TestValueReadersPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFan(t)
		look := func(name string) string {
			text, err := os.ReadFile(filepath.Join(f.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		f.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
		tokens, refused, late, after := 0, 0, 0, 0
		for range 3 {
			f.until(12*24*time.Hour, func(s *keyset.Set) bool { return len(s.Previous()) == 0 && s.Ready != nil })
			changed := time.Time{}
			signer, reader := look("jwt"), look("jwt")
			for { // ten seconds each, until ten minutes after the promotion
				if now := time.Now(); now.Second() == 0 {
					if r, _ := f.pass(); changed.IsZero() && len(r.Set.Previous()) > 0 {
						changed = now
					}
				}
				switch time.Now().Second() {
				case 10:
					signer = look("jwt")
				case 40:
					reader = look("jwt")
				}
				tokens++
				if signer != reader {
					refused++
					if time.Since(changed) > time.Minute {
						late++
					}
					if signer != look("jwt") && signer != look("jwt.previous") {
						after++
					}
				}
				if !changed.IsZero() && time.Since(changed) > 10*time.Minute {
					break
				}
				time.Sleep(10*time.Second - time.Duration(time.Now().Nanosecond()))
			}
			f.until(4*24*time.Hour, func(s *keyset.Set) bool { return len(s.Keys) == 1 })
		}
		t.Logf("%d tokens over %d rotations: %d refused by readers of one value that poll each minute, %d of them later than a minute after the promotion; %d when the reader looks again at value and previous",
			tokens, len(f.texts)-1, refused, late, after)
		if refused == 0 || late > 0 || after > 0 || len(f.texts) != 4 {
			t.Errorf("refused %d, late %d, after a second look %d, keys %d", refused, late, after, len(f.texts))
		}
	})
}
