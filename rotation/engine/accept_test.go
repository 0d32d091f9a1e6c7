package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A version is one document of a life, as a backup has it.
type version struct {
	value providers.Secret
	note  providers.Note
}

// lived is a key with two previous keys and one next, and every document that it
// had on the way there.
func lived(t *testing.T, shape string) (l *leakRig, past []version) {
	l = newLeakRig(t, shape)
	l.calls.On(func(c providertest.Call) *providertest.Fault {
		if rev, err := l.inner.Read(context.Background(), name); err == nil && c.Op == providertest.Write {
			past = append(past, version{rev.Value, rev.Note}) // about to be superseded
		}
		return nil
	})
	l.pass(engine.Ask{})
	phases[len(phases)-1].come(l)
	l.calls.On(nil)
	return l, past
}

// A witness remembers a newer document than a restored one.
type witness struct {
	name    string
	shape   string
	outputs bool   // are configured
	fresh   bool   // the process has seen nothing
	says    string // in the alarm
	restore func(l *leakRig, v version)
}

// witnesses are those of docs/design.md, for the stores that can stand here; the
// adapters' own tests restore what their services restore.
var witnesses = []witness{
	{"memory: its record", "memory", false, true, "the store's own record", func(l *leakRig, v version) { l.store.Tamper(name, v.value.Reveal()) }},
	{"file: the sidecar", "file", false, true, "the store's own record", func(l *leakRig, v version) { l.putFile(v) }},
	{"the whole store restored: an output", "memory", true, true, "output one", func(l *leakRig, v version) { l.wholeStore(v) }},
	{"the whole store restored: a running daemon", "memory", false, false, "what this process saw earlier", func(l *leakRig, v version) { l.wholeStore(v) }},
}

// wholeStore restores everything that the store remembers.
func (l *leakRig) wholeStore(v version) {
	l.store = memory.New()
	if _, err := l.store.Write(context.Background(), name, v.value, "", v.note); err != nil {
		l.t.Fatal(err)
	}
	l.calls = providertest.NewFaulty(l.store)
	l.target.Store = l.calls
}

func (l *leakRig) putFile(v version) {
	if err := os.WriteFile(filepath.Join(l.dir, name+".json"), v.value.Reveal(), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// Promise 6: every old document, restored in turn, is noticed by the witness that
// docs/design.md names: nothing is written anywhere, and the key stops. Accepted,
// it is above every witness, and nobody stops any more.
func TestPromise6EveryOldDocumentIsNoticed(t *testing.T) {
	t.Parallel() // the file store waits for its disk
	total := 0
	for _, w := range witnesses {
		t.Run(w.name, func(t *testing.T) {
			n := 0
			for i := 0; i == 0 || i < n; i++ {
				bubble(t, func(t *testing.T) {
					l, past := lived(t, w.shape)
					n = len(past)
					total++
					l.noticed(w, past[i])
				})
			}
		})
	}
	t.Logf("%d restored documents", total)
	if total < 4*8 {
		t.Errorf("only %d", total)
	}
}

func (l *leakRig) noticed(w witness, v version) {
	l.t.Helper()
	newest, daemon := l.document(), l.engine
	all := l.target.Outputs
	if !w.outputs {
		l.target.Outputs = nil
	}
	w.restore(l, v)
	if w.fresh {
		l.restart()
	}
	old := l.document()
	if w.says == "output one" && old.Generation == newest.Generation {
		return // the same keys: outputs do not tell marks apart
	}
	writes, outside := l.calls.Count(providertest.Write), l.outputs["one"].Count(providertest.Write)
	l.events = nil
	for range 3 {
		res := l.pass(engine.Ask{Rotate: true, By: "someone"})
		if res.Step.Do != rotation.Halt || !strings.Contains(why(res), w.says) || res.Set != nil {
			l.t.Fatalf("generation %d of %d: %v", old.Generation, newest.Generation, res.Step)
		}
		time.Sleep(12 * time.Hour)
	}
	equal(l.t, "story", l.story(), []string{"refuse"})
	if l.calls.Count(providertest.Write) != writes || l.outputs["one"].Count(providertest.Write) != outside {
		l.t.Error("something was overwritten")
	}

	l.target.Outputs = all
	res, err := l.engine.Accept(context.Background(), l.target, old.Generation, nil)
	if err != nil || res.Step.Do != rotation.Wait {
		l.t.Fatalf("accept: %v, %v", res.Step, err)
	}
	if set := l.document(); set.Generation != newest.Generation+1 || set.Signing().Kid != old.Signing().Kid || len(set.Keys) != len(old.Keys) {
		l.t.Errorf("accepted is generation %d with %s", set.Generation, kinds(set))
	}
	l.engine = daemon // which has seen the newest document
	if res := l.pass(engine.Ask{}); res.Step.Do == rotation.Halt || alarms(res) != "" {
		l.t.Errorf("afterwards: %v", res.Step)
	}
	for _, o := range l.target.Outputs {
		want, err := o.Render(l.document())
		rev, err2 := o.Store.Read(context.Background(), o.Secret)
		if err != nil || err2 != nil || !rev.Value.Equal(want) {
			l.t.Errorf("output %s does not follow: %v, %v", o.Name, err, err2)
		}
	}
}

// What accept refuses, and that it then writes nothing.
func TestPromise6AcceptIsNoWayAroundTheOthers(t *testing.T) {
	cases := map[string]struct {
		generation uint64
		harm       func(l *leakRig, past []version)
		want       string
		err        error
	}{
		"nothing is wrong":   {7, func(*leakRig, []version) {}, "", engine.ErrNotRestored},
		"another generation": {2, func(l *leakRig, past []version) { l.store.Tamper(name, past[0].value.Reveal()) }, "", engine.ErrOtherGeneration},
		"edited": {1, func(l *leakRig, past []version) {
			l.store.Tamper(name, []byte(strings.Replace(string(past[0].value.Reveal()), `"HS256"`, `"HS512"`, 1)))
		}, "changed by something other than rotate", nil},
		"another lineage": {1, func(l *leakRig, _ []version) {
			other := newRig(l.t)
			other.pass(engine.Ask{})
			l.store.Tamper(name, bytesOf(other))
		}, "`rotate accept` does not take it", nil},
		"lost":                              {1, func(l *leakRig, _ []version) { l.store.Lose(name) }, "cannot be read", nil},
		"lost with all that the store knew": {1, func(l *leakRig, _ []version) { l.target.Store = memory.New() }, "the key was lost", nil},
		"an output that cannot say": {1, func(l *leakRig, past []version) {
			l.store.Tamper(name, past[0].value.Reveal())
			down(l.outputs["value"])
		}, "", providers.ErrUnavailable},
		"never there, and nobody remembers": {1, func(l *leakRig, _ []version) { l.target.Store, l.target.Outputs = memory.New(), nil }, "", engine.ErrNotRestored},
		"another environment's, however old": {1, func(l *leakRig, past []version) {
			l.store.Tamper(name, past[0].value.Reveal())
			l.target.Environment = "production"
		}, `environment "test"`, nil},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l, past := lived(t, "memory")
				c.harm(l, past)
				l.restart()
				writes := l.calls.Count(providertest.Write)
				res, err := l.engine.Accept(context.Background(), l.target, c.generation, nil)
				if !errors.Is(err, c.err) || c.want != "" && !strings.Contains(why(res), c.want) {
					t.Errorf("%v, %v", res.Step, err)
				}
				if l.calls.Count(providertest.Write) != writes {
					t.Error("it wrote")
				}
			})
		})
	}
}

// A store that lost a key together with all that it knew of it is not filled
// anew while an output remembers, by no process.
func TestPromise6AnOutputRemembersALostStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l, _ := lived(t, "memory")
		empty := memory.New()
		l.target.Store = empty
		l.restart()
		for range 3 {
			res := l.pass(engine.Ask{Rotate: true})
			if res.Step.Do != rotation.Halt || !strings.Contains(why(res), "output") || len(empty.Peek()) > 0 {
				t.Fatalf("%v", res.Step)
			}
			time.Sleep(time.Hour)
		}
		k, err := l.generate()
		if err != nil {
			t.Fatal(err)
		}
		l.restart() // who has looked before would know it of itself
		if res, err := l.engine.Adopt(context.Background(), l.target, []keyset.Key{k}, 0, ""); err != nil || res.Step.Do != rotation.Halt || len(empty.Peek()) > 0 {
			t.Errorf("adopted over a lost key: %v, %v", res.Step, err)
		}
		// The way out of docs/runbooks/lost-store.md: a keyset output is a backup.
		rev, err := l.stores["one"].Read(context.Background(), "out-one")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := empty.Write(context.Background(), name, rev.Value, "", providers.Note{}); err != nil {
			t.Fatal(err)
		}
		before, err := keyset.Parse(rev.Value.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		l.restart()
		if res := l.pass(engine.Ask{}); res.Step.Do != rotation.Wait || alarms(res) != "" {
			t.Errorf("%v", res.Step)
		}
		if set := l.document(); set.Signing().Kid != before.Signing().Kid || len(set.Keys) != 4 {
			t.Errorf("ends with %s", kinds(set))
		}
	})
}

// A fresh process that finds an output ahead of the store has read an old head,
// where the store may show one, and waits before it calls that a restored backup.
func TestAnOutputAheadOfAStaleReadIsNoAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, memory.WithStale(time.Minute))
		r.target.Outputs = append(r.target.Outputs, keysetOutput("one", memory.New()))
		r.pass(engine.Ask{})
		time.Sleep(time.Hour)
		r.pass(engine.Ask{Rotate: true})
		time.Sleep(time.Hour)
		r.pass(engine.Ask{})
		first := r.store.Peek()[name][0]
		r.restart()
		r.target.Store = oldHead{r.store, first}
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Wait || !res.Step.At.After(time.Now()) || len(r.actionsOf("refuse")) > 0 {
			t.Errorf("within the bound: %v", res.Step)
		}
		time.Sleep(2 * time.Minute)
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt {
			t.Errorf("beyond the bound: %v", res.Step)
		}
		r.target.Store = r.store
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Wait || alarms(res) != "" {
			t.Errorf("with the newest head: %v", res.Step)
		}
	})
}

// An oldHead shows an old head for ever.
type oldHead struct {
	providers.Store
	rev providers.Revision
}

func (s oldHead) Read(context.Context, string) (providers.Revision, error) { return s.rev, nil }

// actionsOf lists the events of one action.
func (r *rig) actionsOf(action string) (found []engine.Event) {
	for _, ev := range r.events {
		if ev.Action == action {
			found = append(found, ev)
		}
	}
	return found
}

// Two lines that parted: the one in the store is as far as the one that the
// witness knows, or further, and is not its successor.
func TestPromise6AForkIsNoticed(t *testing.T) {
	for _, ahead := range []int{0, 1} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := newLeakRig(t, "memory")
				l.pass(engine.Ask{})
				fork := newRig(t)
				if _, err := fork.store.Write(context.Background(), name, providers.NewSecret(bytesOf(l.rig)), "", providers.Note{}); err != nil {
					t.Fatal(err)
				}
				l.rotated()
				(&leakRig{rig: fork}).rotated()
				for range ahead {
					fork.pass(engine.Ask{Rotate: true})
				}
				l.store.Tamper(name, bytesOf(fork))
				l.restart()
				if res := l.pass(engine.Ask{}); res.Step.Do != rotation.Halt || !strings.Contains(why(res), "fork") {
					t.Fatalf("%v", res.Step)
				}
				theirs := fork.set()
				if _, err := l.engine.Accept(context.Background(), l.target, theirs.Generation, nil); err != nil {
					t.Fatal(err)
				}
				if set := l.set(); set.Signing().Kid != theirs.Signing().Kid || set.Generation != theirs.Generation+1 {
					t.Errorf("generation %d after %d", set.Generation, theirs.Generation)
				}
				if res := l.pass(engine.Ask{}); res.Step.Do == rotation.Halt || alarms(res) != "" {
					t.Errorf("afterwards: %v", res.Step)
				}
			})
		})
	}
}

// A kid that an output knows as revoked never comes back to life, nor one that is
// named; where it is the signing key, a fresh one takes its place.
func TestPromise6AcceptRevivesNoRevokedKey(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("known %v", known), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := newLeakRig(t, "memory")
				l.pass(engine.Ask{})
				l.rotated()
				backup := l.set()
				doc := bytesOf(l.rig)
				leaked := backup.Signing()
				l.pass(engine.Ask{Revoke: []string{leaked.Kid}})
				if !known {
					l.target.Outputs = nil
				}
				l.store.Tamper(name, doc)
				l.restart()
				found, _, err := l.engine.Restored(context.Background(), l.target)
				if err != nil || (len(found.Revoked) == 1) != known || (found.Newer != nil) != known {
					t.Fatalf("%v, %v", found.Revoked, err)
				}
				var named []string
				if !known {
					named = []string{leaked.Kid}
				}
				if _, err := l.engine.Accept(context.Background(), l.target, backup.Generation, named); err != nil {
					t.Fatal(err)
				}
				l.pass(engine.Ask{})
				set := l.set()
				if _, live := set.Key(leaked.Kid); live || len(set.Revoked) != 1 || kinds(set) != "current previous" {
					t.Errorf("live are %s, revoked %v", kinds(set), set.Revoked)
				}
				if places := l.where(string(leaked.Text().Reveal())); known && len(places) > 0 {
					t.Errorf("it can be read in %v", places)
				}
			})
		})
	}
}

// Two lines that parted, each in an output: what either of them knows as revoked
// stays so, however much newer the other is.
func TestPromise6AcceptAsksEveryOutput(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newLeakRig(t, "memory")
		one, two := l.target.Outputs[:1], []engine.Output{keysetOutput("two", memory.New())}
		l.target.Outputs = one
		l.pass(engine.Ask{})
		backup := version{providers.NewSecret(bytesOf(l.rig)), providers.Note{}}
		leaked := l.set().Signing().Kid
		l.pass(engine.Ask{Revoke: []string{leaked}})

		l.wholeStore(backup)
		l.restart()
		l.target.Outputs = two
		l.rotated()
		l.rotated()

		l.wholeStore(backup)
		l.restart()
		l.target.Outputs = slices.Concat(one, two)
		found, _, err := l.engine.Restored(context.Background(), l.target)
		if err != nil || found.In != "two" || !slices.Contains(found.Revoked, leaked) {
			t.Fatalf("%s, %v, %v", found.In, found.Revoked, err)
		}
		if _, err := l.engine.Accept(context.Background(), l.target, found.Set.Generation, nil); err != nil {
			t.Fatal(err)
		}
		if set := l.document(); set.Signing().Kid == leaked || !slices.Contains(set.Revoked, leaked) {
			t.Errorf("%s signs, revoked are %v", set.Signing().Kid, set.Revoked)
		}
	})
}
