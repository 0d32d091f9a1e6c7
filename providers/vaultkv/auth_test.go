package vaultkv

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// fileOf writes a credential to a file of its own.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credential")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func count(f *vaultfake.Fake, call string) (n int) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, c := range f.Kinds() {
		if c == call {
			n++
		}
	}
	return n
}

// Failure 25: tokens end after 32 days however often they are renewed. Sixty
// days with one read an hour, and not one of them fails.
func TestIncident25SixtyDaysOfTokens(t *testing.T) {
	for _, c := range []struct {
		method           string
		ttl, max         time.Duration
		logins, renewals int // about
	}{
		{"approle", 24 * time.Hour, 32 * life.Day, 2, 90},
		{"kubernetes", 24 * time.Hour, 32 * life.Day, 2, 90},
		{"approle", 20 * time.Minute, 32 * life.Day, 60 * 24, 0}, // ends between two reads
		{"approle", 24 * time.Hour, 24 * time.Hour, 90, 0},       // cannot be renewed beyond its first day
		{"token", 72 * time.Hour, 90 * life.Day, 1, 30},
	} {
		t.Run(fmt.Sprint(c.method, " ", c.ttl), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := vaultfake.New()
				f.Roles["|"+c.method+"/r"] = vaultfake.Role{Credential: "proof", TTL: c.ttl, Max: c.max, Capabilities: policy("")}
				f.Tokens["given"] = &vaultfake.Token{Until: time.Now().Add(c.ttl), Last: time.Now().Add(c.max), TTL: c.ttl, Renewable: true, Capabilities: policy("")}
				conf := &Config{Address: "http://127.0.0.1:8200", Auth: Auth{Method: c.method, Role: "r", RoleID: "r", SecretIDFile: fileOf(t, "proof\n"), JWTFile: fileOf(t, "proof"), TokenFile: fileOf(t, "given")}}
				if c.method == "kubernetes" {
					conf.Auth.RoleID = ""
				} else {
					conf.Auth.Role = ""
				}
				s, err := conf.open(t.Context(), f)
				must(t, err)
				put(t, s, "a", "", 1)
				for range 60 * 24 {
					time.Sleep(time.Hour)
					if _, err := s.Read(t.Context(), name); err != nil {
						t.Fatalf("after %v: %v", time.Since(s.session.since), err)
					}
				}
				logins, renewals := count(f, "PUT login")+count(f, "GET lookup-self"), count(f, "PUT renew-self")
				t.Logf("%d logins, %d renewals, %d calls", logins, renewals, len(f.Kinds()))
				if logins > c.logins+5 || logins < c.logins || renewals > c.renewals*11/10+100 || renewals < c.renewals*8/10 {
					t.Errorf("%d logins and %d renewals, want about %d and %d", logins, renewals, c.logins, c.renewals)
				}
			})
		})
	}
}

// session opens an approle store in a bubble.
func approle(t *testing.T) (*vaultfake.Fake, *store) {
	f := vaultfake.New()
	f.Roles["|approle/r"] = vaultfake.Role{Credential: "proof", TTL: time.Hour, Max: 32 * life.Day, Capabilities: policy("")}
	s, err := (&Config{Address: "http://127.0.0.1:8200", Auth: Auth{Method: "approle", RoleID: "r", SecretIDFile: fileOf(t, "proof")}}).open(t.Context(), f)
	must(t, err)
	return f, s
}

func TestARevokedTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := approle(t)
		rev := put(t, s, "a", "", 1)
		time.Sleep(2 * time.Minute)
		clear(f.Tokens)
		put(t, s, "b", rev.ID, 2) // in the same call
		if n := count(f, "PUT login"); n != 2 {
			t.Errorf("%d logins, want 2", n)
		}
		// What it may not do is no reason to log in at every call.
		role := f.Roles["|approle/r"]
		role.Capabilities = map[string][]string{"secret/config": {"read"}}
		f.Roles["|approle/r"] = role
		clear(f.Tokens)
		time.Sleep(2 * time.Minute)
		for range 20 {
			if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrDenied) {
				t.Errorf("%v, want ErrDenied", err)
			}
		}
		if n := count(f, "PUT login"); n > 4 {
			t.Errorf("%d logins for calls that are denied", n)
		}
	})
}

// While logins fail, a token that is still good serves.
func TestALoginMayFailForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := approle(t)
		put(t, s, "a", "", 1)
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "PUT login" || c.Kind == "PUT renew-self" {
				return &fakes.Fault{Before: fakes.Status{Code: 500}}
			}
			return nil
		})
		time.Sleep(59 * time.Minute)
		if _, err := s.Read(t.Context(), name); err != nil {
			t.Errorf("with a minute left: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrUnavailable) {
			t.Errorf("without a token: %v, want ErrUnavailable", err)
		}
		if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("b")), "1@x", providers.Note{}); !errors.Is(err, providers.ErrUnavailable) {
			t.Errorf("a write that was not sent: %v, want ErrUnavailable", err)
		}
		f.On(nil)
		if _, err := s.Read(t.Context(), name); err != nil {
			t.Errorf("with logins back: %v", err)
		}
	})
}

// A token in a file may be replaced by who looks after it, and one that has
// come to its end says what to do.
func TestTokenFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := vaultfake.New()
		grant := func(id string) {
			f.Tokens[id] = &vaultfake.Token{Until: time.Now().Add(time.Hour), Last: time.Now().Add(time.Hour), TTL: time.Hour, Renewable: true, Capabilities: policy("")}
		}
		grant("one")
		file := fileOf(t, "one\n")
		s, err := (&Config{Address: "http://127.0.0.1:8200", Auth: Auth{TokenFile: file}}).open(t.Context(), f)
		must(t, err)
		put(t, s, "a", "", 1)
		time.Sleep(2 * time.Hour)
		_, err = s.Read(t.Context(), name)
		if !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), "hint: the token has ended") {
			t.Errorf("ended: %v", err)
		}
		grant("two")
		must(t, os.WriteFile(file, []byte("two"), 0o600))
		if _, err := s.Read(t.Context(), name); err != nil {
			t.Errorf("replaced: %v", err)
		}
	})
}

func TestLoginsThatFail(t *testing.T) {
	f, v := fakeServer(t)
	f.Roles["|approle/r"] = vaultfake.Role{Credential: "proof", TTL: time.Hour, Max: time.Hour}
	for what, auth := range map[string]Auth{
		"a wrong secret id": {Method: "approle", RoleID: "r", SecretIDFile: fileOf(t, "canary-wrong")},
		"a wrong role":      {Method: "approle", RoleID: "x", SecretIDFile: fileOf(t, "proof")},
		"a wrong JWT":       {Method: "kubernetes", Role: "r", JWTFile: fileOf(t, "canary-wrong")},
		"a wrong token":     {TokenFile: fileOf(t, "canary-wrong")},
		"no file":           {TokenFile: "/nowhere/token"},
		"an empty file":     {TokenFile: fileOf(t, "\n")},
		"two lines":         {TokenFile: fileOf(t, "canary-one\ncanary-two\n")},
		"nothing":           {},
	} {
		c := v.config(t)
		c.Auth = auth
		_, err := c.open(t.Context(), v.via)
		if !errors.Is(err, providers.ErrDenied) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want ErrDenied without the credential", what, err)
		}
	}
}

// The namespace goes with every call, the login included.
func TestNamespace(t *testing.T) {
	f, v := fakeServer(t)
	f.Mounts["team/a|secret"] = &vaultfake.Mount{Version: 2, Type: "kv", Keys: map[string]*vaultfake.Key{}}
	f.Roles["team/a|approle/r"] = vaultfake.Role{Credential: "proof", TTL: time.Hour, Max: time.Hour, Capabilities: policy("")}
	c := v.config(t)
	c.Namespace, c.Auth = "team/a", Auth{Method: "approle", RoleID: "r", SecretIDFile: fileOf(t, "proof")}
	s := v.open(t, c)
	put(t, s, "a", "", 1)
	must(t, s.Probe(t.Context()))
	for _, r := range f.Requests {
		if strings.HasSuffix(r.URL.Path, "/sys/health") {
			continue // of the root namespace alone
		}
		if r.Header.Get("X-Vault-Namespace") != "team/a" {
			t.Errorf("%s has no namespace", r.URL.Path)
		}
		if login := strings.HasSuffix(r.URL.Path, "/login"); login != (r.Header.Get("X-Vault-Token") == "") {
			t.Errorf("%s: login %v, token %v", r.URL.Path, login, !login)
		}
	}
	c.Namespace = "team/b"
	if _, err := c.open(t.Context(), v.via); !errors.Is(err, providers.ErrDenied) {
		t.Errorf("another namespace: %v", err)
	}
}

// Each capability of the documented policy is needed, and the probe names the
// one that is missing.
func TestProbeNamesWhatLacks(t *testing.T) {
	f, v := fakeServer(t)
	file := fileOf(t, "limited")
	for path, all := range policy("t/") {
		for _, missing := range all {
			caps := policy("t/")
			caps[path] = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == missing })
			f.Tokens["limited"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Capabilities: caps}
			c := &Config{Address: v.addr, Path: "t", Auth: Auth{TokenFile: file}}
			s, err := c.open(t.Context(), v.via)
			if path == "secret/config" {
				if !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), `path "secret/config" { capabilities = ["read"] }`) {
					t.Errorf("without %s of %s it opens, or what it lacks is not named: %v", missing, path, err)
				}
				continue
			}
			must(t, err)
			want := fmt.Sprintf("path %q { capabilities = [%q] }", strings.TrimSuffix(path, "*")+name, missing)
			if _, err := s.ProbeSecret(t.Context(), name); !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), want) {
				t.Errorf("without %s of %s: %v, want %s", missing, path, err, want)
			}
		}
	}
	f.Tokens["limited"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Capabilities: policy("t/")}
	s := v.open(t, &Config{Address: v.addr, Path: "t", Auth: Auth{TokenFile: file}})
	must(t, s.Probe(t.Context()))
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || len(excess) > 0 {
		t.Errorf("with the documented policy the probe says %q (%v)", excess, err)
	}
	if count(f, "PUT data") != 0 {
		t.Error("the probe wrote")
	}
	rev := put(t, s, "a", "", 1)
	next := put(t, s, "b", rev.ID, 2)
	if _, err := s.Erase(t.Context(), name, rev.ID, next.ID); err != nil {
		t.Errorf("with the documented policy: %v", err)
	}
}

// What a token may do beyond the documented policy is named, and is no error.
func TestProbeNamesWhatIsTooMuch(t *testing.T) {
	f, v := fakeServer(t)
	caps := policy("t/")
	caps["secret/metadata/t/*"] = []string{"read", "list", "delete"}
	f.Tokens["broad"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Capabilities: caps}
	s := v.open(t, &Config{Address: v.addr, Path: "t", Auth: Auth{TokenFile: fileOf(t, "broad")}})
	must(t, s.Probe(t.Context()))
	want := []string{fmt.Sprintf(`path "secret/metadata/t/%s" { capabilities = ["delete"] }`, name)}
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || !slices.Equal(excess, want) {
		t.Errorf("%q (%v), want %q", excess, err, want)
	}
	s = v.open(t, v.config(t))
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || len(excess) != 3 || !strings.Contains(excess[0], "root") {
		t.Errorf("of the root token it says %q (%v)", excess, err)
	}
}

var _ http.RoundTripper = (*vaultfake.Fake)(nil)
