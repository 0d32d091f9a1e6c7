package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A leakRig is a key with two outputs, whose store is of one shape or another.
type leakRig struct {
	*rig
	outputs map[string]*providertest.Faulty
	stores  map[string]*memory.Store
	dir     string          // of a file store
	inner   providers.Store // without faults
}

func newLeakRig(t *testing.T, shape string) *leakRig {
	l := &leakRig{rig: newRig(t)}
	l.inner = l.store
	if shape == "file" {
		l.dir = t.TempDir()
		s, err := file.Config{Dir: l.dir}.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		l.inner, l.calls = s, providertest.NewFaulty(s)
		l.target.Store = l.calls
	}
	l.outputs, l.stores = withOutputs(l.rig)
	l.target.Outputs = slices.Delete(l.target.Outputs, 1, 2) // one of each kind is enough
	return l
}

// document is the keyset as the store has it.
func (l *leakRig) document() *keyset.Set {
	l.t.Helper()
	rev, err := l.target.Store.Read(context.Background(), name)
	if err != nil {
		l.t.Fatal(err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		l.t.Fatal(err)
	}
	return set
}

// where names the places from which a text can still be read.
func (l *leakRig) where(text string) (places []string) {
	if l.dir == "" && readable(l.store, text) || l.dir != "" && inFiles(l.t, l.dir, text) {
		places = append(places, "store")
	}
	for _, n := range []string{"one", "value"} {
		if readable(l.stores[n], text) {
			places = append(places, n)
		}
	}
	return places
}

func inFiles(t *testing.T, dir, text string) (found bool) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rotated lets a rotation come to its promotion.
func (l *leakRig) rotated() {
	l.pass(engine.Ask{Rotate: true})
	time.Sleep(prop + rotation.Skew)
	l.pass(engine.Ask{})
}

// killed makes a pass whose process dies after one of its calls of the store: the
// call is made, and none comes after it. It tells whether it came so far.
func (l *leakRig) killed(ask engine.Ask, at int) (died bool) {
	begun := len(l.calls.Calls())
	l.calls.On(func(providertest.Call) *providertest.Fault {
		switch n := len(l.calls.Calls()) - begun; {
		case n < at:
			return nil
		case n == at:
			died = true
			return &providertest.Fault{After: providers.ErrUnclear}
		}
		died = true
		return &providertest.Fault{Before: providers.ErrUnavailable}
	})
	_, _ = l.engine.Pass(context.Background(), l.target, ask)
	l.calls.On(nil)
	l.restart()
	return died
}

// phases are the points of a life at which a leak is noticed.
var phases = []struct {
	name string
	come func(l *leakRig)
}{
	{"first key", func(l *leakRig) {}},
	{"next published", func(l *leakRig) { l.killed(engine.Ask{Rotate: true}, 2) }},
	{"mid-promotion", func(l *leakRig) {
		l.pass(engine.Ask{Rotate: true})
		time.Sleep(prop + rotation.Skew)
		l.killed(engine.Ask{}, 2)
	}},
	{"two previous and next", func(l *leakRig) { l.rotated(); l.rotated(); l.pass(engine.Ask{Rotate: true}) }},
}

// A report is one compromise: of which key, and when in a life.
type report struct {
	*leakRig
	before *keyset.Set
	kid    string
	text   string
}

// reported comes to a phase and picks the key; ok is false if there is none.
func reported(t *testing.T, shape string, phase int, victim int) (r *report, ok bool) {
	l := newLeakRig(t, shape)
	l.pass(engine.Ask{})
	phases[phase].come(l)
	r = &report{leakRig: l, before: l.document()}
	if victim >= len(r.before.Keys) {
		return nil, false
	}
	k := r.before.Keys[victim]
	r.kid, r.text = k.Kid, string(k.Text().Reveal())
	return r, true
}

func (r *report) ask() engine.Ask { return engine.Ask{Revoke: []string{r.kid}, By: "someone"} }

// done lets a daemon, which knows of no report, finish the work; the person
// repeats the command only if it is not on record. The compromised key must then
// be gone from everywhere, nothing else must be, and it was done once.
func (r *report) done(what string) {
	r.t.Helper()
	if !slices.Contains(r.document().Revoked, r.kid) {
		r.pass(r.ask())
	}
	r.pass(engine.Ask{})
	set := r.document()
	if left := r.where(r.text); len(left) > 0 {
		r.t.Errorf("%s: the key can still be read in %v", what, left)
	}
	found, err := r.engine.Remains(context.Background(), r.target)
	left := found.Left
	if err != nil || len(left) > 0 {
		r.t.Errorf("%s: left are %v, %v", what, left, err)
	}
	if !slices.Equal(set.Revoked, []string{r.kid}) || set.Generation < r.before.Generation+1 || r.actions(rotation.Revoke) > 1 {
		r.t.Errorf("%s: revoked are %v at generation %d after %d", what, set.Revoked, set.Generation, r.before.Generation)
	}
	for _, k := range r.before.Keys {
		if _, live := set.Key(k.Kid); live == (k.Kid == r.kid) {
			r.t.Errorf("%s: kid %s (%s) is live: %v", what, k.Kid, k.Status, live)
		}
	}
	if replaced := set.Signing().Kid != r.before.Signing().Kid; replaced != (r.before.Signing().Kid == r.kid) {
		r.t.Errorf("%s: the signing key was replaced: %v", what, replaced)
	}
	r.pass(r.ask()) // a repeat replaces nothing
	if again := r.document(); again.Signing().Kid != set.Signing().Kid || again.Generation != set.Generation {
		r.t.Errorf("%s: a repeat changed generation %d into %d", what, set.Generation, again.Generation)
	}
}

// Promise 4 and 10: a key that is reported as compromised at any point of a
// life, with the command killed at any of its calls or any reply lost, can in
// the end be read nowhere. Every point is one run. The file store syncs to a
// real disk, which takes its time: there it is one phase, and the key that signs.
func TestPromise4ACompromiseLeavesNothing(t *testing.T) {
	t.Parallel()
	var points atomic.Int32
	t.Run("each", func(t *testing.T) {
		for phase := range phases {
			for victim := range 4 {
				for _, shape := range []string{"memory", "file"} {
					if shape == "file" && (phase != len(phases)-1 || victim > 0) {
						continue
					}
					t.Run(fmt.Sprintf("%s, %s, key %d", shape, phases[phase].name, victim), func(t *testing.T) {
						t.Parallel()
						for at, more := 0, true; more; at++ {
							more = cutShort(t, shape, phase, victim, at, &points)
						}
					})
				}
			}
		}
	})
	t.Logf("%d points at which a compromise was cut short", points.Load())
	if points.Load() < 100 {
		t.Errorf("only %d points", points.Load())
	}
}

// cutShort kills a revocation after one call of the store, which is before the
// next one, and loses the reply of one write. more is whether there is a later call.
func cutShort(t *testing.T, shape string, phase, victim, at int, points *atomic.Int32) (more bool) {
	cut := func(what string, f func(*report)) {
		bubble(t, func(t *testing.T) {
			if r, ok := reported(t, shape, phase, victim); ok {
				points.Add(1)
				f(r)
				r.done(what)
			}
		})
	}
	cut(fmt.Sprintf("killed after call %d", at), func(r *report) { more = r.killed(r.ask(), at) })
	if at < 3 {
		cut(fmt.Sprintf("reply of write %d lost", at), func(r *report) {
			r.calls.On(providertest.Nth(providertest.Write, r.calls.Count(providertest.Write)+1+at, providertest.Fault{After: providers.ErrUnclear}))
			r.pass(r.ask())
		})
	}
	return more
}

// An output that is down keeps the key, is named, and keeps no other place from
// losing it; when it is back, a daemon finishes the work.
func TestPromise4ADeadOutputIsNamed(t *testing.T) {
	points := 0
	for phase := range phases {
		for victim := range 4 {
			for _, dead := range []string{"one", "value"} {
				t.Run(fmt.Sprintf("%s, key %d, %s dead", phases[phase].name, victim, dead), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						r, ok := reported(t, "memory", phase, victim)
						if !ok {
							return
						}
						points++
						held := slices.Contains(r.where(r.text), dead)
						down(r.outputs[dead])
						r.pass(r.ask())
						want := []string(nil)
						if held {
							want = []string{dead}
						}
						equal(t, "still readable", r.where(r.text), want)
						found, err := r.engine.Remains(context.Background(), r.target)
						left := found.Left
						if err != nil || len(left) != 1 || left[0].Output != dead {
							t.Errorf("left: %v, %v", left, err)
						}
						r.outputs[dead].On(nil)
						r.done("back again")
					})
				})
			}
		}
	}
	t.Logf("%d points", points)
}

func down(f *providertest.Faulty) {
	f.On(func(providertest.Call) *providertest.Fault {
		return &providertest.Fault{Before: providers.ErrUnavailable}
	})
}

// One revision that cannot be erased keeps no other from it, and is named.
func TestPromise4OneRefusedErasureStopsNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := reported(t, "memory", 0, 0)
		r.rotated() // several revisions hold the key
		r.calls.On(providertest.Nth(providertest.Erase, r.calls.Count(providertest.Erase)+1, providertest.Fault{Before: providers.ErrDenied}))
		res := r.pass(r.ask())
		if !strings.Contains(alarms(res), "could not be erased") {
			t.Errorf("alarm %q", alarms(res))
		}
		found, err := r.engine.Remains(context.Background(), r.target)
		left := found.Left
		if err != nil || len(left) != 1 || len(left[0].Revisions) != 1 {
			t.Errorf("left: %v, %v", left, err)
		}
		r.calls.On(nil)
		r.pass(engine.Ask{})
		if left := r.where(r.text); len(left) > 0 {
			t.Errorf("readable in %v", left)
		}
	})
}

// A named report is on record from its first write; where there is no room for
// that, the key is revoked all the same.
func TestANamedReportIsOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := reported(t, "memory", 0, 0)
		for i := range 31 {
			r.pass(engine.Ask{Rotate: true, ID: fmt.Sprint(i)})
		}
		ask := r.ask()
		ask.ID = "full"
		r.pass(ask)
		if set := r.document(); !slices.Contains(set.Revoked, r.kid) {
			t.Error("a full record kept a compromised key alive")
		}
		time.Sleep(8 * day)
		ask = engine.Ask{Revoke: []string{r.document().Signing().Kid}, ID: "INC-1", By: "someone"}
		r.pass(ask)
		if req, ok := r.document().Recorded(keyset.NamedRequest("INC-1", "", "").ID); !ok || req.From != ask.Revoke[0] {
			t.Errorf("%v, %v", req, ok)
		}
	})
}
