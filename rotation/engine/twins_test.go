package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

// Two key pairs of one kid are an alarm on both until one is rotated away. One pair
// under two names is told as that alone, and symmetric keys may have one kid: no JWK
// Set shows them.
func TestOneKidOfTwoPairsIsAnAlarm(t *testing.T) {
	symmetric := func(t *testing.T, n string) keyset.Key {
		k, err := keyset.AdoptSymmetric("2024-01", keyset.HS256, secret.New([]byte("a secret that is long enough for it: "+n)), "")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	pair := func(t *testing.T, _ string) keyset.Key {
		signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := keyset.AdoptAsymmetric("2024-01", keyset.ES256, signer)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var one keyset.Key
	for name, c := range map[string]struct {
		make func(*testing.T, string) keyset.Key
		want string // in the alarm of the first; "" if there is none
	}{
		"two pairs":          {pair, "shared_kid"},
		"two symmetric keys": {symmetric, ""},
		"one pair twice": {func(t *testing.T, n string) keyset.Key {
			if n == "auth-jwt" {
				one = pair(t, n)
			}
			return one
		}, "shared_key"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := newRig(t), newRig(t)
				b.target.Name, b.target.Secret = "other", "other"
				b.engine = a.engine
				for _, r := range []*rig{a, b} {
					if _, err := r.engine.Adopt(t.Context(), r.target, []keyset.Key{c.make(t, r.target.Name)}, 0, ""); err != nil {
						t.Fatal(err)
					}
				}
				for r, other := range map[*rig]string{a: "other", b: "auth-jwt"} {
					if got := twinCodes(r); got != c.want {
						t.Errorf("the alarms of %s: %q, want %q", r.target.Name, got, c.want)
					}
					if alarm := alarms(r.pass(engine.Ask{})); c.want != "" && !strings.Contains(alarm, "of key "+other) {
						t.Errorf("the alarm of %s: %q", r.target.Name, alarm)
					}
				}
				if c.want != "shared_kid" {
					return
				}
				a.pass(engine.Ask{Rotate: true})
				for range 3 {
					time.Sleep(grace + time.Hour)
					a.pass(engine.Ask{})
				}
				if got := twinCodes(a) + twinCodes(b); got != "" {
					t.Errorf("one was rotated away: %q", got)
				}
			})
		})
	}
}

// twinCodes is what a rig shares with others.
func twinCodes(r *rig) string {
	var codes []string
	for _, twin := range r.pass(engine.Ask{}).Step.Alarms {
		codes = append(codes, string(twin.Code))
	}
	return strings.Join(codes, " ")
}
