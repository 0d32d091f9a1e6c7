package vaultkv

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestMain(m *testing.M) {
	for _, v := range os.Environ() { // the tests say all there is to say
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "VAULT_") || strings.HasPrefix(name, "BAO_") {
			os.Unsetenv(name)
		}
	}
	goleak.VerifyTestMain(m)
}

const name = "production-auth-jwt"

// A server is a Vault to test with: the fake, or the real one.
type server struct {
	addr  string
	via   http.RoundTripper
	token string
}

func fakeServer(t testing.TB) (*vaultfake.Fake, server) {
	f := vaultfake.New()
	return f, server{"http://127.0.0.1:8200", pipe(t, f), "root"}
}

// config is of a store with a path of its own.
func (v server) config(t testing.TB) *Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte(v.token+"\n"), 0o600))
	return &Config{Address: v.addr, Path: "t-" + strings.ToLower(rand.Text()), Auth: Auth{TokenFile: file}}
}

func (v server) open(t testing.TB, c *Config) *store {
	t.Helper()
	s, err := c.open(t.Context(), v.via)
	must(t, err)
	return s
}

// try makes a call and returns its status.
func (v server) try(t testing.TB, method, path string) int {
	t.Helper()
	req, err := http.NewRequest(method, v.addr+"/v1/"+path, nil)
	must(t, err)
	req.Header.Set("X-Vault-Token", v.token)
	resp, err := (&http.Client{Transport: v.via}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

// admin makes a call as a person with every right would, and returns its data.
func (v server) admin(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	req, err := http.NewRequest(method, v.addr+"/v1/"+path, bytes.NewReader(text))
	must(t, err)
	req.Header.Set("X-Vault-Token", v.token)
	resp, err := (&http.Client{Transport: v.via}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	var out struct {
		Data map[string]any `json:"data"`
	}
	if len(text) > 0 {
		must(t, json.Unmarshal(text, &out))
	}
	return out.Data
}

func (v server) harness() providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB) providers.Store { return v.open(t, v.config(t)) },
		Reopen: func(t testing.TB, s providers.Store) providers.Store {
			return v.open(t, &s.(*store).Config)
		},
		Lose: func(t testing.TB, s providers.Store, name string) { // vault kv delete
			v.admin(t, "DELETE", s.(*store).at("data", name), nil)
		},
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) { // vault kv put
			v.admin(t, "POST", s.(*store).at("data", name), map[string]any{"data": map[string]any{"value": string(value)}})
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) { // vault kv undelete, or rollback
			v.restore(t, s.(*store), name, old.ID)
		},
		BadNames: []string{".", "..", "a/../b", "/abs", "a/", "a//b", "a b", "a\\b", "a%2fb", "a?b", "a#b", "a*", "+", "schlüssel", "a:b", strings.Repeat("a", 201)},
	}
}

// restore makes an old version the newest: as itself if it is, else as a copy.
func (v server) restore(t testing.TB, s *store, name string, id providers.RevisionID) {
	t.Helper()
	number, _, _ := strings.Cut(string(id), "@")
	v.admin(t, "POST", s.at("undelete", name), map[string]any{"versions": []json.Number{json.Number(number)}})
	if fmt.Sprint(v.admin(t, "GET", s.at("metadata", name), nil)["current_version"]) == number {
		return
	}
	data := v.admin(t, "GET", s.at("data", name)+"?version="+number, nil)["data"]
	v.admin(t, "POST", s.at("data", name), map[string]any{"data": data})
}

func TestContract(t *testing.T) {
	_, v := fakeServer(t)
	providertest.Run(t, v.harness())
}

// TestReal is the same on a real Vault, which e2e/vault.sh starts.
func TestReal(t *testing.T) {
	addr := os.Getenv("ROTATE_VAULT")
	if addr == "" {
		t.Skip("ROTATE_VAULT is not set; e2e/vault.sh sets it")
	}
	via := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(via.CloseIdleConnections)
	v := server{addr, via, "root"}
	t.Run("contract", func(t *testing.T) { providertest.Run(t, v.harness()) })
	t.Run("scenarios", func(t *testing.T) { scenarios(t, v) })
	t.Run("life", func(t *testing.T) { realLife(t, v) })
	t.Run("logins", func(t *testing.T) { realLogins(t, v) })
	t.Run("policy", func(t *testing.T) { realPolicy(t, v) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, s providers.Store, text string, after providers.RevisionID, generation uint64) providers.Revision {
	t.Helper()
	rev, err := s.Write(t.Context(), name, providers.NewSecret([]byte(text)), after, providers.Note{Lineage: "l", Generation: generation, Digest: fmt.Sprint("d", generation)})
	must(t, err)
	return rev
}

// A secret that a person made reads by its fields, without what rotate adds.
func TestReadFields(t *testing.T) {
	_, v := fakeServer(t)
	s := v.open(t, v.config(t))
	v.admin(t, "POST", s.at("data", name), map[string]any{"data": map[string]any{"JWT_SECRET": "a text", "port": 5432, "nested": map[string]any{"b": "<c>"}, "value_base64": "AP8="}})
	fields, err := s.ReadFields(t.Context(), name)
	must(t, err)
	for field, want := range map[string]string{"JWT_SECRET": "a text", "port": "5432", "nested": `{"b":"<c>"}`, "value_base64": "\x00\xff"} {
		if got := string(fields[field].Reveal()); got != want || len(fields) != 4 {
			t.Errorf("%s: %q, want %q, of %d fields", field, got, want, len(fields))
		}
	}
	if _, err := s.ReadFields(t.Context(), name+"-not"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	_, err = s.Write(t.Context(), name+"-2", providers.NewSecret([]byte("one text")), "", providers.Note{})
	must(t, err)
	if fields, err = s.ReadFields(t.Context(), name+"-2"); err != nil || len(fields) != 1 || string(fields["value"].Reveal()) != "one text" {
		t.Errorf("%d fields, %v", len(fields), err)
	}
}
