package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Promise 6: each of these stops the key, for a process that has seen it before
// and for a fresh one. Nothing is written, and one alarm is raised.
func TestPromise6NoGuessing(t *testing.T) {
	cases := []struct {
		name string
		harm func(r *rig)
		want string
	}{
		{"edited by hand", func(r *rig) { r.store.Tamper(name, edited(r, "generation", 77)) }, "changed by something other than rotate"},
		{"unknown schema", func(r *rig) { r.store.Tamper(name, edited(r, "schema", "rotate/keyset/v9")) }, "schema"},
		{"of a newer rotate", func(r *rig) { r.store.Tamper(name, sealed(r, "min_writer", 99)) }, "newer rotate"},
		{"torn", func(r *rig) { r.store.Tamper(name, []byte(`{"schema":"rotate/`)) }, "not a keyset that can be trusted"},
		{"emptied", func(r *rig) { r.store.Tamper(name, nil) }, "not a keyset that can be trusted"},
		{"another key's", func(r *rig) { r.target.Name = "other" }, `holds the keyset of "auth-jwt"`},
		{"another environment's", func(r *rig) { r.target.Environment = "production" }, `environment "test"`},
		{"lost", func(r *rig) { r.store.Lose(name) }, "cannot be read"},
		{"restored", restoreFirst, "restored backup, or a fork"},
		{"created anew", func(r *rig) {
			other := newRig(r.t)
			other.pass(engine.Ask{})
			r.store.Tamper(name, bytesOf(other))
		}, "another lineage"},
	}
	for _, c := range cases {
		for _, fresh := range []bool{false, true} {
			t.Run(c.name+map[bool]string{true: ", fresh process"}[fresh], func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					r := newRig(t)
					r.run(every + day) // a promotion, the old key in its grace
					c.harm(r)
					if fresh {
						r.restart()
					}
					r.events = nil
					writes := r.calls.Count(providertest.Write)
					for range 5 {
						res := r.pass(engine.Ask{Rotate: true, By: "someone"})
						if res.Step.Do != rotation.Halt || !strings.Contains(why(res), c.want) {
							t.Fatalf("got %v, want a halt that says %q", res.Step, c.want)
						}
						if res.Set != nil {
							t.Error("a set that is not trusted is handed out")
						}
						time.Sleep(time.Hour)
					}
					if r.calls.Count(providertest.Write) != writes {
						t.Error("something was overwritten")
					}
					equal(t, "story", r.story(), []string{"refuse"})
				})
			})
		}
	}
}

func bytesOf(r *rig) []byte {
	rev, err := r.store.Read(context.Background(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return rev.Value.Reveal()
}

func edited(r *rig, member string, v any) []byte {
	var tree map[string]any
	if err := json.Unmarshal(bytesOf(r), &tree); err != nil {
		r.t.Fatal(err)
	}
	tree[member] = v
	out, err := json.Marshal(tree)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// sealed edits the document as a newer rotate would write it.
func sealed(r *rig, member string, v any) []byte {
	var tree map[string]any
	if err := json.Unmarshal(edited(r, member, v), &tree); err != nil {
		r.t.Fatal(err)
	}
	delete(tree, "digest")
	canonical, err := json.Marshal(tree)
	if err != nil {
		r.t.Fatal(err)
	}
	tree["digest"] = fmt.Sprintf("sha-256:%x", sha256.Sum256(canonical))
	out, err := json.Marshal(tree)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// restoreFirst puts back the first revision, which a backup still has.
func restoreFirst(r *rig) {
	if !r.store.Restore(name, "r000001") {
		r.t.Fatal("nothing to restore")
	}
}

// A store that is restored whole has no witness but the daemon that saw it.
func TestPromise6ARunningDaemonIsAWitness(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		first := bytesOf(r)
		note := providers.Note{Lineage: r.set().Lineage, Generation: 1, Digest: r.set().Digest}
		r.run(every + day)

		whole := memory.New()
		if _, err := whole.Write(context.Background(), name, providers.NewSecret(first), "", note); err != nil {
			t.Fatal(err)
		}
		r.target.Store = whole
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt || !strings.Contains(why(res), "what this process saw earlier") {
			t.Errorf("%v", res.Step)
		}
		r.target.Store = memory.New()
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt || !strings.Contains(why(res), "has nothing under this name") {
			t.Errorf("%v", res.Step)
		}
	})
}

// Where a store may show an old head for a while, that is no alarm until the
// while is over.
func TestStaleReadIsNoAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, memory.WithStale(time.Minute))
		r.pass(engine.Ask{})
		time.Sleep(time.Hour)
		r.pass(engine.Ask{Rotate: true})
		r.calls.On(providertest.Every(providertest.Read, providertest.Fault{Behind: 1}))
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Wait || !res.Step.At.After(time.Now()) {
			t.Errorf("within the bound: %v", res.Step)
		}
		time.Sleep(2 * time.Minute)
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt {
			t.Errorf("beyond the bound: %v", res.Step)
		}
		r.calls.On(nil)
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Wait {
			t.Errorf("with the newest head: %v", res.Step)
		}
	})
}
