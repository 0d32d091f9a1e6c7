package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// One secret under two names is an alarm on both, which stops neither; when both
// have been rotated away from it, it is over.
func TestOneSecretUnderTwoNamesIsAnAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newRig(t), newRig(t)
		b.target.Name, b.target.Secret, b.target.Environment, b.target.StoreName = "other", "staging-other", "staging", "vault"
		b.engine = a.engine
		text := secret.New([]byte("the very same secret of two keys, long enough"))
		for _, r := range []*rig{a, b} {
			k, err := keyset.AdoptSymmetric("kid-of-"+r.target.Name, keyset.HS256, text, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.engine.Adopt(t.Context(), r.target, []keyset.Key{k}, 0, ""); err != nil {
				t.Fatal(err)
			}
		}
		alarm := alarms(a.pass(engine.Ask{}))
		for _, want := range []string{"kid kid-of-auth-jwt is the same key as kid kid-of-other of key other", "environment staging, store vault, secret staging-other"} {
			if !strings.Contains(alarm, want) {
				t.Errorf("alarm %q, want %q", alarm, want)
			}
		}
		if alarm := alarms(b.pass(engine.Ask{})); !strings.Contains(alarm, "of key auth-jwt (environment test") {
			t.Errorf("the other's alarm: %q", alarm)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", a.engine, alarm), "very same secret") {
			t.Error("the engine prints the secret")
		}
		for _, r := range []*rig{a, b} { // neither is stopped
			r.pass(engine.Ask{Rotate: true})
		}
		time.Sleep(3 * time.Hour)
		a.pass(engine.Ask{})
		if alarms(a.pass(engine.Ask{})) == "" {
			t.Error("the old key still verifies on both sides, and no alarm says so")
		}
		time.Sleep(grace + time.Hour)
		for range 3 {
			a.pass(engine.Ask{})
			b.pass(engine.Ask{})
			time.Sleep(grace + time.Hour)
		}
		if alarm := alarms(a.pass(engine.Ask{})); alarm != "" {
			t.Errorf("after both were rotated: %q", alarm)
		}
	})
}

// A daemon whose config names the store anew finds the key that it knows already,
// not a twin of it.
func TestAKeyIsNoTwinOfItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		r.target.StoreName = "the same one, under another name"
		if alarm := alarms(r.pass(engine.Ask{})); alarm != "" {
			t.Error(alarm)
		}
	})
}
