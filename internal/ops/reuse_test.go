package ops_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/stores/builtin"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// fleetOf is a config of file stores, by the folders that its stores have.
func fleetOf(t testing.TB, dir, environment string, keys map[string]string) ops.Fleet {
	t.Helper()
	var names, places []string
	for key, store := range keys {
		names = append(names, fmt.Sprintf("%s: {store: %s}", key, store))
		if place := fmt.Sprintf("%s: {type: file, dir: %s}", store, filepath.Join(dir, store)); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	path := filepath.Join(dir, environment+".yaml")
	text := fmt.Sprintf("environment: %s\nstores: {%s}\nkeys: {%s}\n", environment, strings.Join(places, ", "), strings.Join(names, ",\n "))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	types, err := stores.NewRegistry(builtin.Types()...)
	if err != nil {
		t.Fatal(err)
	}
	conf, _, err := fleet.Read(path, func(string) string { return "" }, types)
	if err != nil {
		t.Fatal(err)
	}
	return ops.Fleet{Config: path, Keys: fleet.Of(conf, nil)}
}

// put stores a keyset of one key for a key of a fleet.
func put(t testing.TB, f ops.Fleet, key, lineage string, material []byte, e keyset.Encoding) {
	t.Helper()
	k := f.Keys[slices.IndexFunc(f.Keys, func(k *fleet.Key) bool { return k.Name == key })]
	made, err := keyset.AdoptSymmetric("kid-"+lineage, keyset.HS256, secret.New(material), e)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Create(key, k.Environment, lineage, made, time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := set.Encode("", "write")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(k.Where()), 0o700)
	}
	if err == nil {
		err = os.WriteFile(k.Where(), text.Reveal(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func key32() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
}

func clockHost() *ops.Host {
	return &ops.Host{Now: func() time.Time { return time.Unix(1_700_000_100, 0) }}
}

// Three configs and five stores have one key in five encodings; two have the keyset of
// one key, which is none.
func TestReuseAcrossConfigs(t *testing.T) {
	dir := t.TempDir()
	a := fleetOf(t, dir, "production", map[string]string{"jwt": "one", "session": "two", "moved": "six"})
	b := fleetOf(t, dir, "staging", map[string]string{"jwt": "three", "alone": "three"})
	c := fleetOf(t, dir, "test", map[string]string{"tokens": "four", "hooks": "five"})
	m := key32()
	put(t, a, "jwt", "l1", m, keyset.Base64URL)
	put(t, a, "session", "l2", []byte(base64.StdEncoding.EncodeToString(m)), "")
	put(t, b, "jwt", "l3", []byte(hex.EncodeToString(m)), "")
	put(t, b, "alone", "l4", key32(), keyset.Hex)
	put(t, c, "tokens", "l5", []byte(strings.ToUpper(hex.EncodeToString([]byte(base64.RawURLEncoding.EncodeToString(m))))), "")
	put(t, c, "hooks", "l6", []byte("base64:"+base64.StdEncoding.EncodeToString(m)), "")
	moved := key32()
	put(t, a, "moved", "l7", moved, keyset.Base64URL)
	other := fleetOf(t, t.TempDir(), "production", map[string]string{"moved": "elsewhere"})
	put(t, other, "moved", "l7", moved, keyset.Base64URL)

	r := clockHost().Reuse(t.Context(), []ops.Fleet{a, b, c, other})
	if len(r.Shared) != 1 || r.Keys != 8 || !r.Attention || len(r.Unread) > 0 {
		t.Fatalf("%+v", r)
	}
	var got []string
	for _, h := range r.Shared[0].Holders {
		got = append(got, h.Environment+" "+h.Key+" "+h.Store)
	}
	if want := []string{"production jwt one", "production session two", "staging jwt three", "test hooks five", "test tokens four"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{base64.RawURLEncoding.EncodeToString(m), hex.EncodeToString(m), "digest", "hmac", "hash"} {
		if strings.Contains(string(text), form) {
			t.Errorf("the answer holds %q", form)
		}
	}
}

// A keyset that was copied to another environment is shared, though its lineage is one.
func TestReuseOfACopiedKeyset(t *testing.T) {
	dir := t.TempDir()
	a := fleetOf(t, dir, "production", map[string]string{"jwt": "one"})
	b := fleetOf(t, dir, "staging", map[string]string{"jwt": "two"})
	m := key32()
	put(t, a, "jwt", "l1", m, keyset.Base64URL)
	put(t, b, "jwt", "l1", m, keyset.Base64URL)
	if r := clockHost().Reuse(t.Context(), []ops.Fleet{a, b}); len(r.Shared) != 1 || len(r.Shared[0].Holders) != 2 {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(b.Keys[0].Where(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := clockHost().Reuse(t.Context(), []ops.Fleet{a, b}); len(r.Shared) != 0 || len(r.Failed()) != 1 || r.Unread[0].Key != "jwt" {
		t.Errorf("%+v", r)
	}
}

// BenchmarkReuse compares ten thousand keys of two configs, read from files.
func BenchmarkReuse(b *testing.B) {
	dir, keys := b.TempDir(), map[string]string{}
	for i := range 5000 {
		keys[fmt.Sprintf("key-%d", i)] = "one"
	}
	var all []ops.Fleet
	for _, environment := range []string{"production", "staging"} {
		f := fleetOf(b, dir, environment, keys)
		for i, k := range f.Keys {
			put(b, f, k.Name, fmt.Sprintf("%s-%d", environment, i), key32(), keyset.Base64URL)
		}
		all = append(all, f)
	}
	for b.Loop() {
		if r := clockHost().Reuse(b.Context(), all); r.Keys != 10000 || len(r.Shared) > 0 || len(r.Unread) > 0 {
			b.Fatalf("%d keys, %d shared, %d unread", r.Keys, len(r.Shared), len(r.Unread))
		}
	}
}
