// Package cost counts the calls that one key makes: idle, and in one whole life.
// Each adapter has a test of one line that calls it; `make bench` reads what
// those tests tell as attributes and prints it as one table.
package cost

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// Passes is how many idle passes are counted. They take 1,000 hours of the 90
// days between two rotations.
const Passes = 1000

// The attributes of a test. Their values are lists such as "Get=2 Put=1".
const (
	IdleStore = "idle.store" // operations of the store in Passes idle passes
	IdleCalls = "idle.calls" // calls of the service in the same
	LifeStore = "life.store" // operations in publish, ready, promote, settled, retire and their erasures
	LifeCalls = "life.calls"
)

// Of lives through a creation, Passes idle passes and one whole life of a key
// with the config's defaults, on a store that is empty, and tells what that cost.
// Within the life a pass is made when the one before asked for it, and at no
// sync: syncs are the idle passes. calls names every call that the service has
// seen so far; nil where there is no service. It has to run in a bubble of
// testing/synctest.
func Of(t *testing.T, s providers.Store, calls func() []string) {
	t.Helper()
	if calls == nil {
		calls = func() []string { return nil }
	}
	store := providertest.NewFaulty(s)
	r := &rig{T: t, engine: &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "cost"}}
	r.target = engine.Target{
		Name: "auth-jwt", Environment: "production", StoreName: "s", Store: store, Secret: "production-auth-jwt",
		Policy: rotation.Policy{Schedule: rotation.Every(90 * 24 * time.Hour), Grace: 48 * time.Hour, Propagation: 2 * time.Hour},
		Generate: func() (keyset.Key, error) {
			return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(rand.Text()+rand.Text())), "")
		},
	}
	measure := func(storeAttr, callsAttr string, work func()) {
		ops, made := len(store.Calls()), len(calls())
		work()
		t.Attr(storeAttr, tally(operations(store.Calls()[ops:])))
		t.Attr(callsAttr, tally(calls()[made:]))
	}
	r.pass()
	measure(IdleStore, IdleCalls, func() {
		for range Passes {
			time.Sleep(time.Hour)
			r.pass()
		}
	})
	if set := r.last.Set; set.Generation != 1 {
		t.Fatalf("generation %d after idling, want 1", set.Generation)
	}
	for time.Until(r.last.Step.At) > time.Minute {
		time.Sleep(time.Until(r.last.Step.At) - time.Minute) // a service's token may have run out
	}
	measure(LifeStore, LifeCalls, func() {
		for range 30 {
			if set := r.last.Set; set.Generation == 4 && r.last.Left.Revisions == 0 {
				return
			}
			time.Sleep(max(time.Until(r.last.Step.At), 0))
			r.pass()
		}
		t.Fatalf("no whole life in 30 passes: generation %d, %d revisions left, %v", r.last.Set.Generation, r.last.Left.Revisions, r.last.Step)
	})
}

type rig struct {
	*testing.T
	engine *engine.Engine
	target engine.Target
	last   engine.Result
}

func (r *rig) pass() {
	r.Helper()
	var err error
	if r.last, err = r.engine.Pass(context.Background(), r.target, engine.Ask{}); err != nil {
		r.Fatal(err)
	}
	if r.last.Step.Do != rotation.Wait || len(r.last.Step.Alarms) > 0 {
		r.Fatalf("%+v", r.last.Step)
	}
}

func operations(calls []providertest.Call) (names []string) {
	for _, c := range calls {
		names = append(names, string(c.Op))
	}
	return names
}

// tally is how often each name is in a list, as "Get=2 Put=1".
func tally(names []string) string {
	count := map[string]int{}
	for _, n := range names {
		count[strings.ReplaceAll(n, " ", "-")]++
	}
	var all []string
	for _, n := range slices.Sorted(maps.Keys(count)) {
		all = append(all, fmt.Sprintf("%s=%d", n, count[n]))
	}
	return strings.Join(all, " ")
}
