package keygen_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/bits"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// roundTrip signs a token with one key and verifies it with another, the way
// an application with golang-jwt does.
func roundTrip(t *testing.T, sign, verify keyset.Key) {
	t.Helper()
	name := string(sign.Alg)
	if sign.Alg == keyset.Ed25519 {
		name = "EdDSA" // golang-jwt knows the algorithm under its older name
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(name), jwt.MapClaims{"sub": "x"})
	signed, err := token.SignedString(sign.SignKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Parse(signed, func(*jwt.Token) (any, error) { return verify.VerifyKey(), nil }, jwt.WithValidMethods([]string{name})); err != nil {
		t.Fatal(err)
	}
}

// reread is the key as it comes back from a document.
func reread(t *testing.T, k keyset.Key) keyset.Key {
	t.Helper()
	set, err := keyset.Create("auth-jwt", "test", "lineage", k, time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, doc, err := set.Encode("", "write")
	if err != nil {
		t.Fatal(err)
	}
	if set, err = keyset.Parse(doc.Reveal()); err != nil {
		t.Fatal(err)
	}
	return set.Signing()
}

func TestNewSignsAndVerifies(t *testing.T) {
	for _, alg := range keyset.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			k := newKey(t, keygen.Spec{Algorithm: alg})
			if k.Alg != alg || k.Kid == "" {
				t.Fatalf("alg %s, kid %q", k.Alg, k.Kid)
			}
			stored := reread(t, k)
			if alg == keyset.Opaque {
				if !stored.Text().Equal(k.Text()) {
					t.Fatal("the text changed on its way through the document")
				}
				return
			}
			roundTrip(t, k, stored)
			roundTrip(t, stored, k)
		})
	}
}

func newKey(t *testing.T, s keygen.Spec) keyset.Key {
	t.Helper()
	k, err := s.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTextIsTheKey(t *testing.T) {
	for _, c := range []struct {
		spec keygen.Spec
		want string
	}{
		{keygen.Spec{}, `^[\w-]{43}$`},
		{keygen.Spec{Algorithm: keyset.HS384}, `^[\w-]{64}$`},
		{keygen.Spec{Algorithm: keyset.HS512, Encoding: keyset.Hex}, `^[0-9a-f]{128}$`},
		{keygen.Spec{Encoding: keyset.Base64}, `^[\w+/]{43}=$`},
		{keygen.Spec{Algorithm: keyset.Opaque, Prefix: "sk_live_", Bytes: 48}, `^sk_live_[\w-]{64}$`},
	} {
		k := newKey(t, c.spec)
		text := k.Text().Reveal()
		if !regexp.MustCompile(c.want).Match(text) {
			t.Errorf("%+v: the text has another form", c.spec)
		}
		if string(k.SignKey().([]byte)) != string(text) {
			t.Errorf("%+v: the key is not the text", c.spec)
		}
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(k.Kid) {
			t.Errorf("kid %q", k.Kid)
		}
	}
}

func TestAsBytesDecodesToTheKey(t *testing.T) {
	decode := map[keyset.Encoding]func(string) ([]byte, error){
		keyset.Base64URL: base64.RawURLEncoding.DecodeString,
		keyset.Base64:    base64.StdEncoding.DecodeString,
		keyset.Hex:       hex.DecodeString,
	}
	for e, decode := range decode {
		k := newKey(t, keygen.Spec{AsBytes: true, Encoding: e})
		b, err := decode(string(k.Text().Reveal()))
		if err != nil || string(b) != string(k.SignKey().([]byte)) || len(b) != 32 {
			t.Errorf("%s: the decoded text is not the key: %v", e, err)
		}
	}
}

func TestText(t *testing.T) {
	text, err := keygen.Spec{Algorithm: keyset.ES256}.Text()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text.Reveal())
	if block == nil {
		t.Fatal("not PEM")
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Fatal("not PKCS #8")
	}
	if text, err = (keygen.Spec{Encoding: keyset.Hex}).Text(); err != nil || text.Len() != 64 {
		t.Fatalf("%d characters, %v", text.Len(), err)
	}
	if _, err := (keygen.Spec{Bytes: 1}).Text(); err == nil {
		t.Fatal("a bad spec made a text")
	}
}

// Ten thousand keys are distinct, no bit position of their bytes prefers a
// value, and none of them is taken for a weak secret.
func TestRandomness(t *testing.T) {
	const keys = 10_000
	var ones, total int
	var perBit [256]int
	seen := map[string]bool{}
	for range keys {
		k := newKey(t, keygen.Spec{AsBytes: true})
		b := k.SignKey().([]byte)
		if seen[string(b)] || seen[k.Kid] {
			t.Fatal("a key or kid came twice")
		}
		seen[string(b)], seen[k.Kid] = true, true
		for i, c := range b {
			ones += bits.OnesCount8(c)
			for j := range 8 {
				perBit[i*8+j] += int(c>>j) & 1
			}
		}
		total += len(b) * 8
	}
	// Six standard deviations: a sound generator fails once in 10^6 runs.
	if share := float64(ones) / float64(total); share < 0.498 || share > 0.502 {
		t.Errorf("%.4f of all bits are set", share)
	}
	for i, n := range perBit {
		if n < keys/2-300 || n > keys/2+300 {
			t.Errorf("bit %d is set in %d of %d keys", i, n, keys)
		}
	}
}

func TestGeneratedIsNeverWeak(t *testing.T) {
	for _, e := range []keyset.Encoding{keyset.Base64URL, keyset.Base64, keyset.Hex} {
		for range 500 {
			text, err := keygen.Spec{Encoding: e}.Text()
			if err != nil {
				t.Fatal(err)
			}
			r := judge.Text(text.Reveal(), judge.Context{MinBytes: keyset.HS256.MinBytes(), For: "HS256"})
			if r.Verdict != judge.Fine {
				t.Fatalf("%s: %v", e, say.Judged(r))
			}
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		spec keygen.Spec
		want string // the options refused, or ""
	}{
		{keygen.Spec{}, ""},
		{keygen.Spec{Algorithm: keyset.RS256}, ""},
		{keygen.Spec{Algorithm: keyset.PS512, Bits: 4096}, ""},
		{keygen.Spec{Algorithm: keyset.Opaque, Prefix: "sk_live_", Bytes: 256, Encoding: keyset.Hex}, ""},
		{keygen.Spec{AsBytes: true, Encoding: keyset.Base64}, ""},
		{keygen.Spec{Algorithm: "none"}, "algorithm"},
		{keygen.Spec{Algorithm: "hs256"}, "algorithm"},
		{keygen.Spec{Bits: 2048}, "bits"},
		{keygen.Spec{Algorithm: keyset.RS256, Bits: 1024}, "bits"},
		{keygen.Spec{Algorithm: keyset.RS256, Bits: -1}, "bits"},
		{keygen.Spec{Bytes: 31}, "bytes"},
		{keygen.Spec{Bytes: -32}, "bytes"},
		{keygen.Spec{Bytes: 257}, "bytes"},
		{keygen.Spec{Algorithm: keyset.HS512, Bytes: 48}, "bytes"},
		{keygen.Spec{Algorithm: keyset.ES256, Bytes: 32, Encoding: keyset.Hex, AsBytes: true, Bits: 2048}, "bits bytes encoding secret_as"},
		{keygen.Spec{Encoding: "base32"}, "encoding"},
		{keygen.Spec{Prefix: "sk_"}, "prefix"},
		{keygen.Spec{Algorithm: keyset.Opaque, Prefix: "sk_", AsBytes: true}, "secret_as"},
		{keygen.Spec{Algorithm: keyset.Opaque, Prefix: "a b"}, "prefix"},
		{keygen.Spec{Algorithm: keyset.Opaque, Prefix: strings.Repeat("x", 33)}, "prefix"},
	} {
		err := c.spec.Validate()
		if got := strings.Join(options(err), " "); got != c.want {
			t.Errorf("%+v: refused %q, want %q", c.spec, got, c.want)
		}
		if _, errNew := c.spec.New(); (errNew == nil) != (err == nil) {
			t.Errorf("%+v: New says %v, Validate %v", c.spec, errNew, err)
		}
	}
}

// options are those that an error of Validate names.
func options(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, options(e)...)
		}
		return all
	}
	var o *keygen.OptionError
	if errors.As(err, &o) {
		return []string{o.Option}
	}
	return nil
}
