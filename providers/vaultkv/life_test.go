package vaultkv

import (
	"context"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// policy is what rotate's documentation grants.
func policy(path string) map[string][]string {
	return map[string][]string{
		"secret/data/" + path + "*":     {"create", "read", "update"},
		"secret/metadata/" + path + "*": {"read"},
		"secret/destroy/" + path + "*":  {"update"},
		"secret/config":                 {"read"},
	}
}

var service = life.Service{
	New:     world,
	Changes: []string{"PUT data", "PUT destroy"},
	Faults: map[string]life.Fault{
		"500 before":           {Fault: fakes.Fault{Before: fakes.Status{Code: 500}}},
		"503 sealed":           {Fault: fakes.Fault{Before: fakes.Status{Code: 503}}},
		providertest.Throttled: {Fault: fakes.Fault{Before: fakes.Status{Code: 429}}},
		"412 stale":            {Fault: fakes.Fault{Before: fakes.Status{Code: 412}}},
		providertest.Denied:    {Fault: fakes.Fault{Before: fakes.Status{Code: 403}}},
		"done, then 500":       {Fault: fakes.Fault{After: fakes.Status{Code: 500, Echo: true}}},
		providertest.TimedOut:  {Fault: fakes.Fault{Hold: 30 * time.Hour}},
	},
	Failed: 2,
}

// loggedIn gives a test, from outside of its bubble, what world logs in with.
func loggedIn(t *testing.T) { t.Setenv("VAULT_SECRET_ID", "canary-secret-id") }

func world(testing.TB) life.World {
	f := vaultfake.New()
	f.Roles["|approle/rotate"] = vaultfake.Role{Credential: "canary-secret-id", TTL: time.Hour, Max: 32 * life.Day, Capabilities: policy("")}
	config := &Config{Address: "http://127.0.0.1:8200", Auth: Auth{Method: "approle", RoleID: "rotate"}}
	return life.World{
		Fake: f, Script: &f.Script,
		Open: func(ctx context.Context) (providers.Store, error) { return config.open(ctx, f) },
		Ends: func(l *life.Life, _ providers.Revision, set *keyset.Set) {
			for _, text := range l.Superseded(set) {
				if f.Readable(text) {
					l.T.Error("promise 4: a key that is not current can still be read")
				}
			}
		},
	}
}

func newLife(t testing.TB) (*life.Life, *vaultfake.Fake) {
	w := world(t)
	return life.New(t, w), w.Fake.(*vaultfake.Fake)
}

// What a life costs: docs/providers/vaultkv.md explains each kind of call. The
// mount's settings are read at the start and before each write.
func TestOneLife(t *testing.T) {
	loggedIn(t)
	service.OneLife(t, map[string]int{"PUT data": 6, "GET config": 1 + 6})
}

func TestPromise10EveryCallMayFail(t *testing.T) {
	loggedIn(t)
	service.EveryCallMayFail(t)
}

func TestPromise5SixteenRotators(t *testing.T) {
	loggedIn(t)
	service.SixteenRotators(t)
}
