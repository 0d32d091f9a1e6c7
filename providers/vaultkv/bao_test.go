package vaultkv

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// Where standbys may answer reads, reads may be old, and nobody has to say so.
func TestStandbysAreFoundOut(t *testing.T) {
	for what, c := range map[string]struct {
		bao, enterprise, cluster bool
		deaf                     bool // sys/health is not let through
		set, want                time.Duration
	}{
		"Vault alone":          {},
		"a cluster of Vault":   {cluster: true}, // its standbys pass reads on
		"Vault Enterprise":     {enterprise: true, cluster: true, want: behind},
		"OpenBao alone":        {bao: true},
		"a cluster of OpenBao": {bao: true, cluster: true, want: behind},
		"the config says more": {bao: true, cluster: true, set: time.Hour, want: time.Hour},
		"nobody tells":         {deaf: true, want: behind},
	} {
		t.Run(what, func(t *testing.T) {
			f, v := fakeServer(t)
			f.Bao, f.Enterprise, f.Cluster = c.bao, c.enterprise, c.cluster
			if c.deaf {
				f.On(fakes.Every("GET health", fakes.Fault{Before: fakes.Status{Code: 403}}))
			}
			conf := v.config(t)
			conf.Stale = c.set
			s := v.open(t, conf)
			if got := s.Traits().Stale; got != c.want || s.bao != c.bao {
				t.Errorf("reads may be %v old, want %v; OpenBao: %v", got, c.want, s.bao)
			}
		})
	}
}

// OpenBao's users have bao and its variables, and its words for what is not there.
func TestOpenBao(t *testing.T) {
	f, v := fakeServer(t)
	f.Bao = true
	s := v.open(t, v.config(t))
	put(t, s, "a", "", 1)
	v.admin(t, "DELETE", s.at("data", name), nil)
	_, err := s.Read(t.Context(), name)
	if said := say.Error(err).String(); !strings.Contains(said, "bao kv undelete") || strings.Contains(said, "vault kv") {
		t.Errorf("the hint is not for bao: %s", said)
	}
	c := v.config(t)
	c.Namespace = "nowhere"
	_, err = c.open(t.Context(), v.via)
	if said := say.Error(err).String(); !errors.Is(err, providers.ErrUnsafe) || !strings.Contains(said, "there is no such namespace") || !strings.Contains(said, "bao namespace list") {
		t.Errorf("an unknown namespace: %s", said)
	}
	f.Mounts["team|secret"] = &vaultfake.Mount{Version: 2, Type: "kv", Keys: map[string]*vaultfake.Key{}}
	f.Roles["team|approle/r"] = vaultfake.Role{Credential: "proof", TTL: time.Hour, Max: time.Hour, Capabilities: policy("")}
	for variable, value := range map[string]string{"BAO_ADDR": v.addr, "VAULT_ADDR": "https://elsewhere.example", "BAO_NAMESPACE": "team", "BAO_SECRET_ID": "proof"} {
		t.Setenv(variable, value)
	}
	c = &Config{Auth: Auth{Method: "approle", RoleID: "r"}}
	s = v.open(t, c)
	put(t, s, "a", "", 1)
	if got := c.Where(name); got != "secret/"+name+" in "+v.addr+", namespace team" {
		t.Errorf("it is at %q", got)
	}
	t.Setenv("BAO_SKIP_VERIFY", "true")
	if _, err := c.Open(t.Context()); !errors.Is(err, providers.ErrUnsafe) {
		t.Errorf("BAO_SKIP_VERIFY: %v, want ErrUnsafe", err)
	}
	os.Unsetenv("BAO_SKIP_VERIFY")
	os.Unsetenv("BAO_ADDR")
	t.Setenv("BAO_CACERT", "/nowhere/ca.pem")
	if _, err := (&Config{Address: v.addr}).client(nil); err == nil {
		t.Error("BAO_CACERT is not looked at")
	}
}

// A pass goes on after a read for which the server had no time, and no longer than it
// would take to come back.
func TestAReadIsRepeated(t *testing.T) {
	for what, c := range map[string]struct {
		times int
		want  error
		took  time.Duration
	}{"once": {1, nil, 7 * time.Second}, "twice": {2, nil, 14 * time.Second}, "always": {99, providers.ErrThrottled, 14 * time.Second}} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, s := approle(t)
				rev := put(t, s, "a", "", 1)
				left := c.times
				f.On(func(call fakes.Call) *fakes.Fault {
					if call.Kind != "GET data" || left == 0 {
						return nil
					}
					left--
					return &fakes.Fault{Before: fakes.Status{Code: 429}}
				})
				start := time.Now()
				if _, err := s.Read(t.Context(), name); !errors.Is(err, c.want) || time.Since(start) != c.took {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(start), c.want, c.took)
				}
				f.On(fakes.Every("PUT data", fakes.Fault{Before: fakes.Status{Code: 429}}))
				before := count(f, "PUT data")
				if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("b")), rev.ID, providers.Note{}); !errors.Is(err, providers.ErrThrottled) || count(f, "PUT data") != before+1 {
					t.Errorf("a write: %v, in %d calls", err, count(f, "PUT data")-before)
				}
			})
		})
	}
}

// A token that is good for a number of calls is replaced before the last of them, and
// not one call is refused.
func TestATokenOfFewUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := vaultfake.New()
		f.Roles["|approle/r"] = vaultfake.Role{Credential: "proof", TTL: time.Hour, Max: time.Hour, Uses: 5, Capabilities: policy("")}
		s, err := (&Config{Address: "http://127.0.0.1:8200", Auth: Auth{Method: "approle", RoleID: "r", SecretIDFile: fileOf(t, "proof")}}).open(t.Context(), f)
		must(t, err)
		rev := put(t, s, "a", "", 1)
		for i := range 20 {
			rev = put(t, s, "b", rev.ID, uint64(i+2))
		}
		if n := count(f, "PUT login"); n < 20 || n > 40 {
			t.Errorf("%d logins for %d calls", n, len(f.Kinds()))
		}
		// One that a person brought serves to its last use.
		f.Tokens["given"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Uses: 6, Capabilities: policy("")}
		s, err = (&Config{Address: "http://127.0.0.1:8200", Auth: Auth{TokenFile: fileOf(t, "given")}}).open(t.Context(), f) // 3 of them
		must(t, err)
		for range 3 {
			if _, err := s.Read(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), "give rotate a new one") {
			t.Errorf("used up: %v", err)
		}
	})
}

// The probe asks what a write asks, of the mount and of the key.
func TestProbeAsksWhatAWriteAsks(t *testing.T) {
	f, v := fakeServer(t)
	s := v.open(t, v.config(t))
	put(t, s, "a", "", 1)
	for what, c := range map[string]struct {
		path       string
		bad, good  map[string]any
		secret     bool // told of a secret, since a key may have more than its mount
		said, hint string
	}{
		"max_versions of the mount":         {"secret/config", map[string]any{"max_versions": 1}, map[string]any{"max_versions": 0}, true, "max_versions is 1", "-max-versions=10"},
		"delete_version_after of the mount": {"secret/config", map[string]any{"delete_version_after": "1h"}, map[string]any{"delete_version_after": "0s"}, false, "the mount's delete_version_after", "delete_version_after=0s"},
		"max_versions of the key":           {s.at("metadata", name), map[string]any{"max_versions": 2}, map[string]any{"max_versions": 0}, true, "max_versions is 2", "-max-versions=10"},
		"delete_version_after of the key":   {s.at("metadata", name), map[string]any{"delete_version_after": "1h"}, map[string]any{"delete_version_after": "0s"}, true, "the key's delete_version_after", "-delete-version-after=0s"},
	} {
		v.admin(t, "POST", c.path, c.bad)
		err := s.Probe(t.Context())
		if c.secret {
			if err != nil {
				t.Errorf("%s: of the store %v", what, err)
			}
			_, err = s.ProbeSecret(t.Context(), name)
		}
		if said := say.Error(err).String(); !errors.Is(err, providers.ErrUnsafe) || !strings.Contains(said, c.said) || !strings.Contains(said, c.hint) {
			t.Errorf("%s: %s", what, said)
		}
		v.admin(t, "POST", c.path, c.good)
	}
	// cas_required is what rotate does anyway.
	v.admin(t, "POST", "secret/config", map[string]any{"cas_required": true})
	must(t, s.Probe(t.Context()))
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	put(t, s, "b", rev.ID, 2)
	// What no policy grants is named, and not the probe itself.
	f.Tokens["bare"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Capabilities: map[string][]string{"secret/config": {"read"}}}
	s = v.open(t, &Config{Address: v.addr, Auth: Auth{TokenFile: fileOf(t, "bare")}})
	for call, fails := range map[string]func() error{
		`path "secret/data/x" { capabilities = ["read"] }`:     func() error { _, err := s.Read(t.Context(), "x"); return err },
		`path "secret/metadata/x" { capabilities = ["read"] }`: func() error { _, err := s.History(t.Context(), "x"); return err },
		`path "secret/metadata" { capabilities = ["list"] }`:   func() error { _, err := s.List(t.Context()); return err },
	} {
		if said := say.Error(fails()).String(); !strings.Contains(said, call) || strings.Contains(said, "--probe") {
			t.Errorf("%s is not named: %s", call, said)
		}
	}
	f.Mounts["|old"] = &vaultfake.Mount{Version: 1, Type: "kv", Keys: map[string]*vaultfake.Key{}}
	_, err = (&Config{Address: v.addr, Mount: "old", Auth: Auth{TokenFile: fileOf(t, "root")}}).open(t.Context(), v.via)
	if said := say.Error(err).String(); !strings.Contains(said, "vault secrets enable -path=rotate kv-v2") {
		t.Errorf("of version 1: %s", said)
	}
}
