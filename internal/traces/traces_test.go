package traces_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyrotate/rotate/internal/traces"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func symmetric(material []byte, e keyset.Encoding) keyset.Key {
	return must(keyset.AdoptSymmetric("kid", keyset.HS256, secret.New(bytes.Clone(material)), e))
}

// found is the form in which a key was found; "" if it was not.
func found(t *testing.T, data []byte, keys ...keyset.Key) string {
	t.Helper()
	var parts [][]traces.Part
	for _, k := range keys {
		parts = append(parts, traces.OfKey(k))
	}
	f, unsearched, err := traces.New(parts)
	if err != nil || len(unsearched) > 0 {
		t.Fatal(unsearched, err)
	}
	hits := f.Scan(data)
	if len(hits) == 0 {
		return ""
	}
	return hits[0].Form
}

func wrap(text string, width int, end string) string {
	var b strings.Builder
	for part := range slices.Chunk([]byte(text), width) {
		b.Write(part)
		b.WriteString(end)
	}
	return b.String()
}

var b64, url = base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString

// around puts a text into the middle of others, at each of four offsets.
func around(b []byte) (all [][]byte) {
	for n := range 4 {
		all = append(all, slices.Concat(random(n), b, random(7)))
	}
	return all
}

// Each form of a symmetric key is found, and the same form of a key that differs in one
// bit at the end is not.
func TestSymmetric(t *testing.T) {
	forms := map[string]func(m []byte) []byte{
		"raw":        func(m []byte) []byte { return slices.Concat(random(100), m, random(100)) },
		"text":       func(m []byte) []byte { return []byte("JWT_SECRET=" + url(m) + "\n") },
		"hex":        func(m []byte) []byte { return []byte("x" + hex.EncodeToString(m)) },
		"HEX":        func(m []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(m)) + "00") },
		"std":        func(m []byte) []byte { return []byte("key/" + b64(m)) },
		"jwk":        func(m []byte) []byte { return must(json.Marshal(jose.JSONWebKey{Key: m})) },
		"env quoted": func(m []byte) []byte { return []byte("A=1\nexport K=\"" + b64(m) + "\"") },
		"yaml block": func(m []byte) []byte { return []byte("a:\n  key: |-\n    " + wrap(b64(m), 20, "\n    ")) },
		"json slash": func(m []byte) []byte { return []byte(`{"k":"` + strings.ReplaceAll(b64(m), "/", `\/`) + `"}`) },
		"json u":     func(m []byte) []byte { return []byte(`{"k":"` + strings.ReplaceAll(b64(m), "+", `\u002B`) + `"}`) },
		"url": func(m []byte) []byte {
			return []byte("?k=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(b64(m)))
		},
		"joined":  func(m []byte) []byte { return []byte("k := \"" + b64(m)[:20] + "\" +\n\t\"" + b64(m)[20:] + "\"") },
		"comment": func(m []byte) []byte { return []byte("# " + wrap(hex.EncodeToString(m), 32, "\n# ")) },
		"utf-16": func(m []byte) (out []byte) {
			for _, u := range utf16.Encode([]rune("K=" + b64(m))) {
				out = append(out, byte(u), byte(u>>8))
			}
			return out
		},
		"base64 of base64": func(m []byte) []byte { return []byte(b64([]byte("user:" + b64(m)))) },
		"base64 of hex":    func(m []byte) []byte { return []byte(b64([]byte("k=" + hex.EncodeToString(m)))) },
		"hex of base64":    func(m []byte) []byte { return []byte(hex.EncodeToString([]byte(b64(m)))) },
		"wrapped twice": func(m []byte) []byte {
			return []byte(wrap(b64([]byte("a: "+wrap(url(m), 30, "\r\n"))), 44, "\r\n"))
		},
		"secret of a secret": func(m []byte) []byte { return []byte(b64([]byte("data: " + b64([]byte(url(m)))))) },
	}
	for name, form := range forms {
		for _, e := range []keyset.Encoding{keyset.Base64URL, keyset.Hex} {
			if e == keyset.Hex && name == "secret of a secret" {
				continue // one encoding more than is looked for
			}
			m := random(32)
			copy(m[3:], "\xfb\xef\xff") // ++// in its base64
			similar := bytes.Clone(m)
			similar[31] ^= 4
			key := symmetric(m, e)
			if found(t, form(m), key) == "" {
				t.Errorf("%s is not found of a key in %s", name, e)
			}
			if how := found(t, form(similar), key); how != "" {
				t.Errorf("%s of a similar key is found: %s", name, how)
			}
		}
	}
}

// A key within other bytes is found at every offset of base64, one and two deep.
func TestOffsets(t *testing.T) {
	for range 50 {
		m := random(32)
		for i, data := range around(m) {
			for j, inner := range around([]byte(b64(data))) {
				if found(t, []byte(url(inner)), symmetric(m, "")) == "" {
					t.Errorf("at %d in base64, at %d in base64url", i, j)
				}
			}
		}
	}
}

// A text that people made, with quotes and blanks in it.
func TestText(t *testing.T) {
	text := `correct "horse" \battery% staple`
	key := symmetric([]byte(text), "")
	for _, data := range []string{
		text, "K='" + text + "'", string(must(json.Marshal(map[string]string{"a": text}))), b64([]byte(text)),
		"k: >\n  correct \"horse\"\n  \\battery% staple\n",
	} {
		if found(t, []byte(data), key) == "" {
			t.Errorf("%q is not found", data)
		}
	}
	if how := found(t, []byte(`correct "horse" \battery% stable`), key); how != "" {
		t.Error(how)
	}
}

func pairs() map[string]keyset.Key {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	return map[string]keyset.Key{
		"rsa":  must(keyset.NewAsymmetric(keyset.RS256, must(rsa.GenerateKey(rand.Reader, 2048)))),
		"ec":   must(keyset.NewAsymmetric(keyset.ES256, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))),
		"p521": must(keyset.NewAsymmetric(keyset.ES512, must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)))),
		"ed":   must(keyset.NewAsymmetric(keyset.Ed25519, ed)),
	}
}

// pemForms are files and texts that hold a private key.
func pemForms(t *testing.T, signer any) map[string][]byte {
	der := must(x509.MarshalPKCS8PrivateKey(signer))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	forms := map[string][]byte{
		"der": der, "pem": []byte(text), "crlf": []byte(strings.ReplaceAll(text, "\n", "\r\n")),
		"one line":        []byte(strings.ReplaceAll(text, "\n", "")),
		"escaped":         must(json.Marshal(map[string]string{"key": text})),
		"env escaped":     []byte("KEY=\"" + strings.ReplaceAll(text, "\n", `\n`) + "\"\n"),
		"yaml":            []byte("tls:\n  key: |\n    " + strings.ReplaceAll(text, "\n", "\n    ")),
		"kubernetes":      []byte("data:\n  tls.key: " + b64([]byte(text)) + "\n"),
		"kubernetes crlf": []byte("data:\n  tls.key: " + b64([]byte(strings.ReplaceAll(text, "\n", "\r\n"))) + "\n"),
		"jwk":             must(json.MarshalIndent(jose.JSONWebKey{Key: signer}, "", "  ")),
		"jwk base64":      []byte(b64(must(json.Marshal(jose.JSONWebKey{Key: signer})))),
		"hex of der":      []byte(hex.EncodeToString(der)),
	}
	for _, width := range []int{33, 48, 60, 76, 120} {
		forms[fmt.Sprintf("width %d", width)] = []byte("-----BEGIN PRIVATE KEY-----\n" + wrap(b64(der), width, "\n") + "-----END PRIVATE KEY-----\n")
	}
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		forms["pkcs1"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	case *ecdsa.PrivateKey:
		forms["sec1"] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(key))})
	}
	return forms
}

func TestPairs(t *testing.T) {
	all, others := pairs(), pairs()
	for kind, key := range all {
		for name, data := range pemForms(t, key.SignKey()) {
			if found(t, data, key) == "" {
				t.Errorf("%s: %s is not found", kind, name)
			}
			if how := found(t, data, others[kind]); how != "" {
				t.Errorf("%s: %s is found of another key: %s", kind, name, how)
			}
		}
		if how := found(t, key.PublicPEM(), key); how != "" {
			t.Errorf("%s: the public half of a live key is found: %s", kind, how)
		}
	}
}

// Of a pair whose private half was dropped the public half is found, and whether a
// private one stands there.
func TestRetired(t *testing.T) {
	for kind, key := range pairs() {
		retired := must(keyset.AdoptPublic("", key.Alg, key.VerifyKey()))
		f, _, err := traces.New([][]traces.Part{traces.OfKey(retired)})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{
			string(key.PublicPEM()): false,
			string(must(json.Marshal(jose.JSONWebKey{Key: key.VerifyKey()}))): false,
			string(must(json.Marshal(jose.JSONWebKey{Key: key.SignKey()}))):   true,
			"kid: " + key.Kid: false,
		} {
			hits := f.Scan([]byte(name))
			if len(hits) != 1 || !hits[0].Public || hits[0].Beside != want {
				t.Errorf("%s: %+v in\n%s", kind, hits, name)
			}
		}
		if kind == "rsa" { // the others' PKCS #8 need not have the public half
			if hits := f.Scan([]byte(key.PrivatePEM().Reveal())); len(hits) != 1 || !hits[0].Beside {
				t.Errorf("%+v", hits)
			}
		}
	}
}

func TestUnsearched(t *testing.T) {
	var keys [][]traces.Part
	for _, s := range []string{"short", strings.Repeat("ab", 20), "just enough!"} {
		keys = append(keys, []traces.Part{{Bytes: []byte(s)}})
	}
	f, unsearched, err := traces.New(keys)
	if err != nil || !slices.Equal(unsearched, []int{0, 1}) {
		t.Fatal(unsearched, err)
	}
	hits := f.Scan([]byte("short\n\n  just enough!"))
	if len(hits) != 1 || hits[0] != (traces.Hit{Key: 2, Line: 3, Form: "as it stands"}) {
		t.Errorf("%+v", hits)
	}
}

// What stands before a text in bytes that were decoded is no escape of it.
func TestBytesBeforeATextAreNoEscape(t *testing.T) {
	m := random(32)
	for _, before := range []string{`\`, `%`, "\x00+", `\\`} {
		if found(t, []byte(url([]byte(before+b64(m)))), symmetric(m, "")) == "" {
			t.Errorf("not found behind %q", before)
		}
	}
}
