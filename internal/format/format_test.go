package format_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

// pair is a key that is the same in every run, made of one byte.
func pair(t *testing.T, alg keyset.Algorithm, seed byte) keyset.Key {
	t.Helper()
	raw := bytes.Repeat([]byte{seed}, 32)
	var signer crypto.Signer = ed25519.NewKeyFromSeed(raw)
	if curve := alg.Curve(); curve != nil {
		var err error
		if signer, err = ecdsa.ParseRawPrivateKey(curve, raw); err != nil {
			t.Fatal(err)
		}
	}
	k, err := keyset.NewAsymmetric(alg, signer)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func adopted(t *testing.T, alg keyset.Algorithm, raw, kid string) keyset.Key {
	t.Helper()
	k, err := keyset.AdoptSymmetric(kid, alg, secret.New([]byte(raw)), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// set takes the keys through their lives: the last is next, the one before it
// current, the others previous. A single key is current.
func set(t *testing.T, keys ...keyset.Key) *keyset.Set {
	t.Helper()
	at := time.Unix(1_700_000_000, 0)
	stored := func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err == nil {
			s, _, err = s.Encode("", "write")
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := stored(keyset.Create("auth-jwt", "test", "lineage", keys[0], at))
	for i, k := range keys[1:] {
		at = at.Add(time.Hour)
		s = stored(s.Publish(k, at))
		if i < len(keys)-2 {
			s = stored(s.MarkReady(at, nil))
			s = stored(s.Promote(at.Add(time.Minute)))
		}
	}
	return s
}

func symmetric(t *testing.T) *keyset.Set {
	t.Helper()
	one := func(c string) keyset.Key { return adopted(t, keyset.HS256, strings.Repeat(c, 43), "kid-"+c) }
	return set(t, one("a"), one("b"), one("c"), one("d"))
}

func asymmetric(t *testing.T) *keyset.Set {
	t.Helper()
	return set(t, pair(t, keyset.EdDSA, 1), pair(t, keyset.ES256, 2), pair(t, keyset.Ed25519, 3))
}

func TestGolden(t *testing.T) {
	sets := map[string]*keyset.Set{
		"symmetric":  symmetric(t),
		"asymmetric": asymmetric(t),
		"first":      set(t, adopted(t, keyset.HS256, strings.Repeat("a", 43), "kid-a")),
	}
	for name, s := range sets {
		for _, f := range format.All() {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				text, err := f.Render(s, format.Options{})
				if name != "asymmetric" && (f == format.JWKS || f == format.PEM) {
					if !errors.Is(err, format.ErrNoPublic) {
						t.Errorf("symmetric keys were published: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+string(f), text.Reveal())
			})
		}
	}
}

// What is meant for anyone holds no private member, whatever the golden files
// say.
func TestPublicIsPublic(t *testing.T) {
	s := asymmetric(t)
	jwks := render(t, format.JWKS, s)
	var doc struct{ Keys []map[string]any }
	if err := json.Unmarshal(jwks, &doc); err != nil || len(doc.Keys) != 3 {
		t.Fatalf("%d keys, %v", len(doc.Keys), err)
	}
	allowed := []string{"kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"}
	for _, k := range doc.Keys {
		for member := range k {
			if !slices.Contains(allowed, member) {
				t.Errorf("member %s is published", member)
			}
		}
	}
	rest, blocks := render(t, format.PEM, s), 0
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		blocks++
		if _, err := x509.ParsePKIXPublicKey(b.Bytes); err != nil {
			t.Errorf("block %s is not a public key", b.Type)
		}
	}
	if blocks != 3 {
		t.Errorf("%d blocks", blocks)
	}
}

// While a keyset moves from a secret to key pairs, only the pairs are shown.
func TestMixedSetPublishesOnlyPublic(t *testing.T) {
	text := strings.Repeat("canary", 8)
	s := set(t, adopted(t, keyset.HS256, text, "old"), pair(t, keyset.ES256, 2))
	for _, f := range []format.Format{format.JWKS, format.PEM} {
		if got := string(render(t, f, s)); strings.Contains(got, "canary") || strings.Contains(got, "old") {
			t.Errorf("%s shows the secret", f)
		}
	}
}

func TestListParses(t *testing.T) {
	odd := "a,b \"c\" <d>\nüx" + strings.Repeat("z", 40)
	s := set(t, adopted(t, keyset.HS256, odd, "x"))
	var texts []string
	if err := json.Unmarshal(render(t, format.List, s), &texts); err != nil || len(texts) != 1 || texts[0] != odd {
		t.Fatalf("%q, %v", texts, err)
	}
}

func render(t *testing.T, f format.Format, s *keyset.Set) []byte {
	t.Helper()
	text, err := f.Render(s, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func TestEnvNames(t *testing.T) {
	s := set(t, adopted(t, keyset.HS256, "x", "x"))
	for _, c := range []struct {
		o    format.Options
		want string // "" for an error
	}{
		{format.Options{}, "JWT_SECRET=x\nJWT_SECRET_NEXT=x\nJWT_SECRET_PREVIOUS=x\n"},
		{format.Options{Current: "auth"}, "auth=x\nauth_NEXT=x\nauth_PREVIOUS=x\n"},
		{format.Options{Current: "A", Next: "B", Previous: "C"}, "A=x\nB=x\nC=x\n"},
		{format.Options{Current: "A", Next: "A"}, ""},
		{format.Options{Current: "A-B"}, ""},
		{format.Options{Current: "1A"}, ""},
		{format.Options{Current: "A\nB"}, ""},
	} {
		text, err := format.Env.Render(s, c.o)
		if (err == nil) != (c.want != "") || string(text.Reveal()) != c.want {
			t.Errorf("%+v: %q, %v", c.o, text.Reveal(), err)
		}
	}
}

func TestEnvQuotes(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"abc+/=_-.:@,", "abc+/=_-.:@,"},
		{"a b#c", "'a b#c'"},
		{`say "hi"`, `'say "hi"'`},
		{"it's", `"it's"`},
		{"ümlaut", "'ümlaut'"},
		{`it's "both"`, ""},
		{"a$b", ""},
		{`a\b`, `'a\b'`},
		{"a\tb", ""},
		{"a\rb", ""},
		{"it's `x`", ""},
	} {
		s := set(t, adopted(t, keyset.HS256, c.raw, "x"))
		text, err := format.Env.Render(s, format.Options{})
		first, _, _ := strings.Cut(string(text.Reveal()), "\n")
		if c.want == "" {
			if err == nil || strings.Contains(err.Error(), c.raw) {
				t.Errorf("%q: %q, %v", c.raw, first, err)
			}
			continue
		}
		if err != nil || first != "JWT_SECRET="+c.want {
			t.Errorf("%q: %q, %v", c.raw, first, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, f := range format.All() {
		if got, err := format.Parse(string(f)); err != nil || got != f {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
	for _, s := range []string{"", "VALUE", "json"} {
		if _, err := format.Parse(s); err == nil {
			t.Errorf("%q was taken", s)
		}
		if text, err := format.Format(s).Render(symmetric(t), format.Options{}); err == nil || !text.Equal(secret.Text{}) {
			t.Errorf("%q was rendered", s)
		}
	}
}

func carries(f format.Format) bool {
	next, _ := f.Carries(format.Options{})
	return next
}

func TestCarries(t *testing.T) {
	s := symmetric(t)
	next, _ := s.Next()
	for _, f := range format.All() {
		text, err := f.Render(s, format.Options{})
		if errors.Is(err, format.ErrNoPublic) {
			continue
		}
		if has := strings.Contains(string(text.Reveal()), string(next.Text().Reveal())); has != carries(f) {
			t.Errorf("%s: next in it: %v", f, has)
		}
	}
}

// Of a key pair only the first variable is private, whichever keys there are. All
// readers but Docker see a PEM with its line ends.
func TestEnvIsPrivateOnce(t *testing.T) {
	for _, s := range []*keyset.Set{set(t, pair(t, keyset.ES256, 2)), asymmetric(t)} {
		file := render(t, format.Env, s)
		blind, err := format.EnvBlind(s, format.Options{})
		if err != nil || len(blind) != 1 || blind[0].Name != dotenv.Docker {
			t.Errorf("not by %v, %v", blind, err)
		}
		for i, name := range (format.Options{}).Names() {
			read, err := dotenv.Read(file, name, nil)
			if err != nil {
				t.Fatal(err)
			}
			text := string(read.Value.Reveal())
			if private := strings.Contains(text, "PRIVATE"); private != (i == 0) || !strings.HasSuffix(text, "-----\n") {
				t.Errorf("%s: private is %v", name, private)
			}
		}
	}
	if blind := format.PairBlind(); len(blind) != 1 || blind[0].Name != dotenv.Docker {
		t.Errorf("pairs are not seen by %v", blind)
	}
	if blind, err := format.EnvBlind(symmetric(t), format.Options{}); err != nil || len(blind) > 0 {
		t.Errorf("not by %v, %v", blind, err)
	}
}
