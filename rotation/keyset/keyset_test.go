package keyset_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// symmetric is a key whose material names its kid, so that a test can look for
// it. It is of no use outside tests.
func symmetric(t testing.TB, kid string) keyset.Key {
	t.Helper()
	text := fmt.Sprintf("%-64s", "test-key-"+kid)
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(text)), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signers makes each kind of private key once: RSA is slow.
var signers = sync.OnceValue(func() map[keyset.Algorithm]crypto.Signer {
	must := func(s crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return s
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	m := map[keyset.Algorithm]crypto.Signer{
		keyset.ES256:   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		keyset.ES384:   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		keyset.ES512:   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		keyset.Ed25519: must(ed, err), keyset.EdDSA: must(ed, err),
	}
	for _, a := range []keyset.Algorithm{keyset.RS256, keyset.RS384, keyset.RS512, keyset.PS256, keyset.PS384, keyset.PS512} {
		m[a] = rsaKey
	}
	return m
})

func asymmetric(t testing.TB, alg keyset.Algorithm) keyset.Key {
	t.Helper()
	k, err := keyset.NewAsymmetric(alg, signers()[alg])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// tb is what testing.TB and rapid.T share.
type tb interface {
	Helper()
	Fatal(args ...any)
}

// must returns the set of a transition that has to succeed, as it would be read
// back.
func must(t tb) func(s *keyset.Set, err error) *keyset.Set {
	return func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return reread(t, s)
	}
}

func reread(t tb, s *keyset.Set) *keyset.Set {
	t.Helper()
	s, err := keyset.Parse(encode(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(t tb, s *keyset.Set) []byte {
	t.Helper()
	_, doc, err := s.Encode("parent-revision", "write-id")
	if err != nil {
		t.Fatal(err)
	}
	return doc.Reveal()
}

func create(t testing.TB, k keyset.Key) *keyset.Set {
	return must(t)(keyset.Create("auth-jwt", "test", "lineage-1", k, t0))
}

// full is a set with a next key and two previous ones, all marks and lists.
func full(t testing.TB) *keyset.Set {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	for i, kid := range []string{"b", "c"} {
		at := t0.Add(time.Duration(i+1) * 24 * time.Hour)
		s = m(s.Publish(symmetric(t, kid), at))
		s = m(s.MarkReady(at.Add(time.Minute), nil))
		s = m(s.Promote(at.Add(2 * time.Hour)))
		s = m(s.MarkSettled(at.Add(3*time.Hour), nil, 48*time.Hour))
	}
	s = m(s.Publish(symmetric(t, "d"), t0.Add(60*time.Hour)))
	s = m(s.MarkReady(t0.Add(61*time.Hour), keyset.Places{{Output: "env", Revision: "7"}}))
	s = m(s.Record(keyset.NamedRequest("job-1", "c", "someone"), t0.Add(62*time.Hour)))
	return m(s.Revoke([]string{"x"}, nil, t0.Add(63*time.Hour)))
}

// edit changes a document as a person would, digest left as it was unless the
// edit is sealed.
func edit(t tb, doc []byte, change func(map[string]any)) []byte {
	t.Helper()
	var tree map[string]any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber() // a number of any size stays as it is written
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	change(tree)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

func keyAt(tree map[string]any, i int) map[string]any {
	return tree["keys"].([]any)[i].(map[string]any)
}

func TestSigningAndVerifying(t *testing.T) {
	s := full(t)
	if got := s.Signing().Kid; got != "c" {
		t.Errorf("signs with %s, want c", got)
	}
	var all []string
	for _, k := range s.Verifying("") {
		all = append(all, k.Kid)
	}
	if got := strings.Join(all, " "); got != "c d b a" {
		t.Errorf("verifies with %q, want current, next, previous, the youngest first", got)
	}
	if got := s.Verifying("b"); len(got) != 1 || got[0].Kid != "b" {
		t.Errorf("kid b verifies with %v", got)
	}
	if got := s.Verifying("nobody"); len(got) != 0 {
		t.Errorf("an unknown kid verifies with %v", got)
	}
}

func TestThreeTextsAlwaysExist(t *testing.T) {
	texts := func(s *keyset.Set) (current, next, previous any) {
		var tree map[string]any
		if err := json.Unmarshal(encode(t, s), &tree); err != nil {
			t.Fatal(err)
		}
		return tree["current"], tree["next"], tree["previous"]
	}
	c, n, p := texts(create(t, symmetric(t, "a")))
	if c == "" || n != c || p != c {
		t.Error("a first key does not stand for all three")
	}
	c, n, p = texts(full(t))
	if c == n || n == p || c == p || !strings.Contains(p.(string), "test-key-b") {
		t.Error("three keys do not show as three texts, the youngest previous one as previous")
	}
}

// The shape is a contract with templates and other tools, so it is spelled out.
func TestDocumentShape(t *testing.T) {
	s, err := keyset.Create("auth-jwt", "test", "lineage-1", symmetric(t, "a"), t0)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%-64s", "test-key-a")
	want := `{"current":"` + text + `","environment":"test","generation":1,` +
		`"keys":[{"alg":"HS256","iat":1767225600,"k":"dGVzdC1rZXktYSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIA","kid":"a","kty":"oct","made":1,"nbf":1767225600,"status":"current","use":"sig"}],` +
		`"lineage":"lineage-1","min_writer":1,"name":"auth-jwt","next":"` + text + `","parent":"parent-revision","previous":"` + text + `","schema":"rotate/keyset/v1","write":"write-id"}`
	got := encode(t, s)
	withoutDigest := edit(t, got, func(m map[string]any) { delete(m, "digest") })
	if string(withoutDigest) != want {
		t.Errorf("document:\n%s\nwant:\n%s", withoutDigest, want)
	}
	if !strings.Contains(string(got), `"digest":"sha-256:`) {
		t.Error("no digest")
	}
}

func TestWhiteSpaceAndOrderDoNotMatter(t *testing.T) {
	doc := encode(t, full(t))
	pretty, err := json.MarshalIndent(json.RawMessage(doc), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	s, err := keyset.Parse(pretty)
	if err != nil {
		t.Fatal(err)
	}
	if string(encode(t, s)) != string(doc) {
		t.Error("a document read from another layout is written differently")
	}
}

func TestUnknownMembersSurvive(t *testing.T) {
	doc := edit(t, encode(t, full(t)), func(m map[string]any) {
		m["later"] = map[string]any{"a": []any{1, "x", nil, true}}
		keyAt(m, 2)["later"] = "k"
	})
	s, err := keyset.Parse(reseal(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	s = must(t)(s.Retire("a", t0.Add(1000*time.Hour)))
	out := string(encode(t, s))
	for _, want := range []string{`"later":{"a":[1,"x",null,true]}`, `"later":"k"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is lost", want)
		}
	}
}

func TestNewerWriterOnlyReads(t *testing.T) {
	doc := edit(t, encode(t, full(t)), func(m map[string]any) { m["min_writer"] = 3 })
	s, err := keyset.Parse(reseal(t, doc))
	if err != nil {
		t.Fatalf("it has to be readable: %v", err)
	}
	if _, err := s.Retire("a", t0.Add(1000*time.Hour)); err == nil {
		t.Error("it was changed")
	}
}

// large is an RSA key of 4096 bits under a kid that is new each time: making
// one takes too long to do it often, so its thumbprint is not its kid.
func large(t testing.TB) keyset.Key {
	t.Helper()
	k, err := keyset.AdoptAsymmetric(rand.Text(), keyset.RS512, largeSigner())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var largeSigner = sync.OnceValue(func() crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		panic(err)
	}
	return k
})
