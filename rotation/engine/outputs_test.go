package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// withOutputs adds two keyset outputs and a value output, each in a store of
// its own.
func withOutputs(r *rig) (calls map[string]*providertest.Faulty, stores map[string]*memory.Store) {
	calls, stores = map[string]*providertest.Faulty{}, map[string]*memory.Store{}
	for _, n := range []string{"one", "two", "value"} {
		stores[n] = memory.New()
		calls[n] = providertest.NewFaulty(stores[n])
		r.target.Outputs = append(r.target.Outputs, keysetOutput(n, calls[n]))
	}
	value := &r.target.Outputs[2]
	value.CarriesNext = false
	value.Render = func(s *keyset.Set) (secret.Text, error) { return s.Signing().Text(), nil }
	return calls, stores
}

func TestOutputsFollowTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		calls, stores := withOutputs(r)
		r.run(every + 3*day)
		r.endsWell()
		want, err := r.set().Projection()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"one", "two"} {
			rev, err := stores[n].Read(context.Background(), "out-"+n)
			if err != nil || !rev.Value.Equal(want) {
				t.Errorf("output %s differs: %v", n, err)
			}
			// create, publish, promote, retire; marks do not reach outputs
			if got := calls[n].Count(providertest.Write); got != 4 {
				t.Errorf("output %s was written %d times, want 4", n, got)
			}
		}
		if got := calls["value"].Count(providertest.Write); got != 2 {
			t.Errorf("the value was written %d times, want 2", got)
		}
	})
}

// An output's goroutine is not the pass's: a panic in it would end the process,
// and with it the work on every other key.
func TestAPanickingOutputIsBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		r.target.Outputs[0].Render = func(*keyset.Set) (secret.Text, error) { panic("canary-material") }
		res, err := r.engine.Pass(context.Background(), r.target, engine.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		if got := say.Behind(res.Outputs[0].Behind, say.Plain); !strings.Contains(got, "a panic of type string") || strings.Contains(got, "canary") {
			t.Errorf("the output is behind for %q", got)
		}
		if _, err := stores["two"].Read(context.Background(), "out-two"); err != nil {
			t.Errorf("the other output: %v", err)
		}
	})
}

// Promise 2 and 3: while an output is dead, or loses what is written to it
// without saying so, nothing is promoted and nothing retired; the others are
// kept up to date.
func TestPromise2And3ADeadOutputHoldsEverythingBack(t *testing.T) {
	faults := map[string]providertest.Fault{
		"dead": {Before: providers.ErrUnavailable},
		"old":  {Behind: 1},
	}
	for name, fault := range faults {
		for _, phase := range []string{"publish", "retire"} {
			t.Run(name+" at "+phase, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					r := newRig(t)
					calls, stores := withOutputs(r)
					want := "current next"
					r.run(every - day)
					if phase == "retire" {
						r.run(2 * day)
						want = "current previous"
					}
					calls["one"].On(providertest.Every(providertest.Read, fault))
					last := r.run(3 * day)
					if got := kinds(r.set()); got != want {
						t.Fatalf("with a dead output it came to %q, want %q", got, want)
					}
					if !strings.Contains(alarms(last), "one") {
						t.Errorf("no alarm that names it: %v", last.Step)
					}
					rev, err := stores["two"].Read(context.Background(), "out-two")
					if proj, err2 := r.set().Projection(); err != nil || err2 != nil || !rev.Value.Equal(proj) {
						t.Error("the living output is not up to date")
					}
					calls["one"].On(nil)
					back := time.Now()
					r.run(4 * day)
					if got := kinds(r.set()); got != "current" {
						t.Errorf("after it came back: %s", got)
					}
					if nbf := r.set().Signing().NotBefore; phase == "publish" && nbf.Sub(back) < prop {
						t.Errorf("promoted %s after the output came back, before its readers can know", nbf.Sub(back))
					}
				})
			})
		}
	}
}

// Where nothing waits, one pass publishes and promotes, and outputs follow both.
func TestOutputsFollowAWholeRotationInOnePass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.target.Policy.Propagation = 0
		withOutputs(r)
		r.pass(engine.Ask{})
		res := r.pass(engine.Ask{Rotate: true})
		if kinds(r.set()) != "current previous" || alarms(res) != "" {
			t.Errorf("%s, alarm %q", kinds(r.set()), alarms(res))
		}
	})
}

// A writer that was killed before it could note whose value it wrote leaves no
// stranger's value behind.
func TestPromise10AnOutputWithoutItsNoteIsOurs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		_, stores := withOutputs(r)
		value, err := r.set().Projection()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stores["one"].Write(context.Background(), "out-one", value, "", providers.Note{}); err != nil {
			t.Fatal(err)
		}
		r.pass(engine.Ask{})
		if res := r.pass(engine.Ask{Rotate: true}); alarms(res) != "" {
			t.Errorf("alarm %q", alarms(res))
		}
	})
}

// An output that never answers takes no other output's time.
func TestPromise3AHangingOutputBlocksNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		calls, stores := withOutputs(r)
		calls["one"].On(providertest.Every(providertest.Read, providertest.Fault{PauseBefore: make(chan struct{})}))
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		res, err := r.engine.Pass(ctx, r.target, engine.Ask{Rotate: true})
		if err != nil || !strings.Contains(alarms(res), "did not answer in time") {
			t.Errorf("%v, %v", res.Step, err)
		}
		for _, n := range []string{"two", "value"} {
			if _, err := stores[n].Read(context.Background(), "out-"+n); err != nil {
				t.Errorf("output %s: %v", n, err)
			}
		}
	})
}

// A repaired output begins the wait anew.
func TestPromise2ARepairMakesTheMarkAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		r.run(every - prop) // published, waiting
		if kinds(r.set()) != "current next" {
			t.Fatal(kinds(r.set()))
		}
		r.run(time.Hour)
		before := r.set().Ready
		stores["one"].Tamper("out-one", []byte("something else"))
		r.pass(engine.Ask{})
		if after := r.set().Ready; !after.At.After(before.At) || after.Places == before.Places {
			t.Errorf("ready stays at %s", after.At)
		}
	})
}

// A copier is a store that says of its head that applications read a copy of it.
type copier struct {
	providers.Store
	copy string
}

func (c *copier) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := c.Store.Read(ctx, name)
	rev.Copy = c.copy
	return rev, err
}

// So does one in which an older value was read for a while, and was covered.
func TestPromise2ACoveredOutputMakesTheMarkAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		withOutputs(r)
		out := &copier{Store: r.target.Outputs[0].Store}
		r.target.Outputs[0].Store = out
		r.run(every - prop)
		before := r.set().Ready
		time.Sleep(time.Hour)
		out.copy = "a copy"
		r.pass(engine.Ask{})
		if after := r.set().Ready; !after.At.After(before.At) || after.Places == before.Places {
			t.Errorf("ready stays at %s", after.At)
		}
	})
}

// A newer generation, another keyset's value and a stranger's value are left
// alone.
func TestPromise6OutputsOfOthersAreNotOverwritten(t *testing.T) {
	cases := map[string]struct {
		note providers.Note
		want string
	}{
		"stranger":   {providers.Note{}, "rotate did not write"},
		"other":      {providers.Note{Lineage: "other", Generation: 1}, "another keyset"},
		"generation": {providers.Note{Generation: 99}, "generation 99"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.pass(engine.Ask{})
				if name == "generation" {
					c.note.Lineage = r.set().Lineage
				}
				_, stores := withOutputs(r)
				held := providers.NewSecret([]byte("theirs"))
				if _, err := stores["one"].Write(context.Background(), "out-one", held, "", c.note); err != nil {
					t.Fatal(err)
				}
				res := r.pass(engine.Ask{Rotate: true})
				if !strings.Contains(alarms(res), c.want) {
					t.Errorf("alarm %q, want %q", alarms(res), c.want)
				}
				rev, err := stores["one"].Read(context.Background(), "out-one")
				if err != nil || !rev.Value.Equal(held) {
					t.Error("it was overwritten")
				}
				if r.actions(rotation.Promote) != 0 {
					t.Error("promoted")
				}
			})
		})
	}
}

// old is a store that answers with one of the heads before, and keeps no witness
// that would tell.
type old struct {
	providers.Store
	seen []providers.Revision
}

func (o *old) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := o.Store.Read(ctx, name)
	if err != nil {
		return rev, err
	}
	rev.Witness = providers.Note{}
	if n := len(o.seen); n == 0 || o.seen[n-1].ID != rev.ID {
		o.seen = append(o.seen, rev)
	}
	return o.seen[max(0, len(o.seen)-2)], nil
}

// Two daemons with different outputs, one of which reads old documents, never
// move an output backwards.
func TestPromise6OutputsNeverGoBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		b := *r
		b.engine = r.process("rotate test 2")
		b.target.Store = &old{Store: r.store}
		b.target.Outputs = append([]engine.Output{keysetOutput("four", memory.New())}, r.target.Outputs[1:]...)
		high, refused := map[string]uint64{}, 0
		check := func() {
			for n, s := range stores {
				rev, err := s.Read(context.Background(), "out-"+n)
				if err == nil && rev.Note.Generation < high[n] {
					t.Fatalf("output %s went from generation %d to %d", n, high[n], rev.Note.Generation)
				}
				high[n] = max(high[n], rev.Note.Generation)
			}
		}
		for end := time.Now().Add(2*every + 4*day); time.Now().Before(end); time.Sleep(time.Hour) {
			r.pass(engine.Ask{})
			check()
			b.engine = r.process("rotate test 2") // it remembers nothing that would make it careful
			res, err := b.engine.Pass(context.Background(), b.target, engine.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Step.Do == rotation.Halt { // an output is a witness against what it read
				refused++
			}
			check()
		}
		if g := r.set().Generation; g < 6 || refused == 0 {
			t.Errorf("generation %d, %d refusals: nothing was tried", g, refused)
		}
	})
}

// Where an output is new, the document tells of it before anything is written
// there.
func TestPromise10NewOutputsAreRecordedFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		calls, _ := withOutputs(r)
		calls["one"].On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Write && len(r.set().Outputs) != 3 {
				t.Errorf("it is written to, and the document knows %d outputs", len(r.set().Outputs))
			}
			return nil
		})
		r.pass(engine.Ask{})
		if calls["one"].Count(providertest.Write) != 1 || r.set().Generation != 1 {
			t.Errorf("%d writes, generation %d", calls["one"].Count(providertest.Write), r.set().Generation)
		}
	})
}

// Forget takes away this keyset's value and what was before it, and nothing of a
// stranger.
func TestForget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, stores := withOutputs(r)
		r.pass(engine.Ask{Rotate: true})
		gone := r.target.Outputs[0]
		r.target.Outputs = r.target.Outputs[1:]
		for range 2 { // again is no mistake
			if _, err := r.engine.Forget(context.Background(), r.target, gone); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range r.made {
			if readable(stores["one"], text) {
				t.Error("a key is readable where it was forgotten")
			}
		}
		if s := r.set(); len(s.Outputs) != 2 {
			t.Errorf("the document still knows %d outputs", len(s.Outputs))
		}
		theirs := providers.NewSecret([]byte("theirs"))
		if _, err := stores["two"].Write(context.Background(), "strange", theirs, "", providers.Note{}); err != nil {
			t.Fatal(err)
		}
		other := keysetOutput("two", stores["two"])
		other.Secret = "strange"
		if _, err := r.engine.Forget(context.Background(), r.target, other); err == nil {
			t.Error("a stranger's value was taken away")
		}
	})
}

// Two daemons with different outputs, which both see the newest document, do not
// put off each other's waits: keys are rotated, and the one whose mark was made
// anew says so, and what it lacks.
func TestDifferentOutputsHoldNothingUpForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		withOutputs(r)
		b := *r
		b.engine = r.process("rotate test 2")
		b.target.Outputs = append([]engine.Output{keysetOutput("four", memory.New())}, r.target.Outputs[1:]...)
		seen := map[string]int{}
		for end := time.Now().Add(3 * every); time.Now().Before(end); time.Sleep(time.Hour) {
			for _, one := range []*rig{r, &b} {
				if res := one.pass(engine.Ask{}); alarms(res) != "" {
					seen[alarms(res)]++
				}
			}
		}
		if g := r.set().Generation; g < 2*3+1 {
			t.Errorf("generation %d after three periods", g)
		}
		const said = "another process has other outputs for this key, and made its mark in place of this one's: this one does not have %s. Give all the same config, and reload them"
		if len(seen) != 2 || seen[fmt.Sprintf(said, "one")] == 0 || seen[fmt.Sprintf(said, "four")] == 0 {
			t.Errorf("alarms %v", seen)
		}
		// The other one is stopped in the middle of a rotation: this one goes on.
		r.pass(engine.Ask{Rotate: true})
		b.pass(engine.Ask{})
		r.run(2 * day)
		if s := r.set(); len(s.Previous()) != 1 {
			t.Errorf("alone again, it came to %s", kinds(s))
		}
	})
}

// An output at a place of another config's key is told for what it may be, and
// what the message says to do helps.
func TestANewKeyAtThePlaceOfAnother(t *testing.T) {
	const restart = ". Then restart the daemon, if one runs: it remembers what it has read"
	for output, want := range map[string]string{
		"one": "the store has nothing under this name, and output one belongs to key \"auth-jwt\" of environment \"test\", which wrote generation 1 of the lineage LINEAGE there" +
			". Nothing was overwritten; this key is not rotated until that is settled, the others are" +
			"\nhint: give the output a place of its own" + restart,
		"value": "the store has nothing under this name, but output value was written from generation 1 of the lineage LINEAGE: the key was lost, or another key writes to that place, too" +
			". Nothing was overwritten; this key is not rotated until that is settled, the others are" +
			"\nhint: if the key is new, give the output a place of its own: `rotate status -o json`, with the config of the other key, shows whose lineage that is. If it was in use, restore it. " +
			"To begin anew on purpose, remove what output value holds, too: everyone with a token of the lost key is logged out" + restart,
	} {
		t.Run(output, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				withOutputs(r)
				r.pass(engine.Ask{})
				lineage := r.set().Lineage

				r.target.Name, r.target.Secret, r.target.StoreName = "other-jwt", "test-other-jwt", "usb"
				r.target.Outputs = slices.DeleteFunc(r.target.Outputs, func(o engine.Output) bool { return o.Name != output })
				r.restart()
				other := say.Subject{Key: "other-jwt", Store: "usb", Secret: "test-other-jwt"}
				want := "key other-jwt, store usb, secret test-other-jwt: " + strings.ReplaceAll(want, "LINEAGE", lineage)
				if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt || say.Halt(res.Step.Why, other).String() != want {
					t.Errorf("%s\n%s\nwant\n%s", res.Step.Do, why(res), want)
				}
				r.target.Outputs = []engine.Output{keysetOutput("own", memory.New())}
				if step := r.pass(engine.Ask{}).Step; step.Do != rotation.Halt {
					t.Error("no restart is needed:", step)
				}
				r.restart()
				if step := r.pass(engine.Ask{}).Step; step.Do != rotation.Wait || len(step.Alarms) > 0 {
					t.Error(step)
				}
			})
		})
	}
}
