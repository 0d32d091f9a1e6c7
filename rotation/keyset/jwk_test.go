package keyset_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// The example of RFC 8037 appendix A.1 to A.3.
func TestThumbprintRFC8037(t *testing.T) {
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyset.NewAsymmetric(keyset.Ed25519, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	if want := "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; k.Kid != want {
		t.Errorf("kid %s, want %s", k.Kid, want)
	}
}

// Another implementation reads our JWKs, makes the same kid of them, and finds
// the private half that belongs to it.
func TestAsymmetricKeysAsAnotherLibraryReadsThem(t *testing.T) {
	for alg := range signers() {
		t.Run(string(alg), func(t *testing.T) {
			s := create(t, asymmetric(t, alg))
			var tree struct {
				Keys []json.RawMessage
			}
			if err := json.Unmarshal(encode(t, s), &tree); err != nil {
				t.Fatal(err)
			}
			var jwk jose.JSONWebKey
			if err := json.Unmarshal(tree.Keys[0], &jwk); err != nil {
				t.Fatal(err)
			}
			sum, err := jwk.Thumbprint(5) // crypto.SHA256
			if err != nil {
				t.Fatal(err)
			}
			if got := base64.RawURLEncoding.EncodeToString(sum); got != s.Signing().Kid {
				t.Errorf("kid %s, want %s", s.Signing().Kid, got)
			}
			if !jwk.Valid() || jwk.IsPublic() || jwk.Algorithm != string(alg) {
				t.Errorf("read as %v, public %v, alg %s", jwk.Valid(), jwk.IsPublic(), jwk.Algorithm)
			}
			if fmt.Sprint(jwk.Public().Key) != fmt.Sprint(s.Signing().VerifyKey()) {
				t.Error("the public halves differ")
			}
			public := s.PublicJWKs()
			for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"dq"`, `"qi"`, `"k"`} {
				if bytes.Contains(public, []byte(private+":")) {
					t.Errorf("the public JWK Set has the member %s", private)
				}
			}
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(public, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].IsPublic() {
				t.Errorf("the public JWK Set is read as %v, %v", set, err)
			}
		})
	}
}

func TestPromise9PrivateHalfIsDropped(t *testing.T) {
	m := must(t)
	for _, alg := range []keyset.Algorithm{keyset.ES256, keyset.Ed25519, keyset.RS256} {
		s := create(t, asymmetric(t, alg))
		old := s.Signing()
		s = m(s.Publish(symmetric(t, "b"), t0))
		s = m(s.MarkReady(t0, nil))
		s = m(s.Promote(t0))
		kept, ok := s.Key(old.Kid)
		if !ok || kept.SignKey() != nil || kept.PrivatePEM().Len() != 0 {
			t.Errorf("%s: the previous key can still sign", alg)
		}
		if s.Dropped != s.Generation {
			t.Errorf("%s: earlier revisions are not marked as holding the private half", alg)
		}
		if kept.VerifyKey() == nil {
			t.Errorf("%s: the previous key cannot verify", alg)
		}
	}
}

func TestSymmetricSetHasNoPublicKeys(t *testing.T) {
	if got := string(full(t).PublicJWKs()); got != `{"keys":[]}` {
		t.Errorf("public keys of shared secrets: %s", got)
	}
}

func TestMismatchedPairIsRefused(t *testing.T) {
	for alg, other := range map[keyset.Algorithm]string{keyset.ES256: "d", keyset.Ed25519: "d", keyset.RS256: "d"} {
		doc := edit(t, encode(t, create(t, asymmetric(t, alg))), func(m map[string]any) {
			raw, err := base64.RawURLEncoding.DecodeString(keyAt(m, 0)[other].(string))
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)-1] ^= 2
			keyAt(m, 0)[other] = base64.RawURLEncoding.EncodeToString(raw)
		})
		if _, err := keyset.Parse(reseal(t, doc)); err == nil || !strings.Contains(err.Error(), "private") {
			t.Errorf("%s: a private half of another key: %v", alg, err)
		}
	}
}

// Promise 7: no way of printing a set or a key shows material.
func TestPromise7NothingPrints(t *testing.T) {
	pem := string(asymmetric(t, keyset.RS256).PrivatePEM().Reveal())
	for name, s := range map[string]*keyset.Set{
		"symmetric": full(t),
		"RSA":       create(t, asymmetric(t, keyset.RS256)),
		"EC":        create(t, asymmetric(t, keyset.ES256)),
		"Ed25519":   create(t, asymmetric(t, keyset.Ed25519)),
	} {
		t.Run(name, func(t *testing.T) {
			type outer struct {
				set  *keyset.Set
				keys []keyset.Key
			}
			o := outer{s, s.Keys}
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "set", s, "keys", s.Keys, "key", s.Signing())
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "set", s, "outer", o)
			asJSON, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			printed := log.String() + string(asJSON)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				printed += fmt.Sprintf(strings.Repeat(verb, 4), s, *s, o, s.Keys)
			}
			for _, k := range s.Keys {
				for _, form := range forms(k) {
					if strings.Contains(printed, form) {
						t.Fatalf("kid %s shows as %.12s…", k.Kid, form)
					}
				}
			}
		})
	}
	if !strings.HasPrefix(pem, "-----BEGIN PRIVATE KEY-----\n") {
		t.Error("not PKCS #8")
	}
}

// forms is the material of a key as it could be printed by accident.
func forms(k keyset.Key) []string {
	raw := k.Text().Reveal()
	switch priv := k.SignKey().(type) {
	case *rsa.PrivateKey:
		raw = priv.D.Bytes()
	case ed25519.PrivateKey:
		raw = priv.Seed()
	}
	decimal := strings.Trim(fmt.Sprint(raw), "[]")
	return []string{
		string(raw), hex.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		base64.RawStdEncoding.EncodeToString(raw), decimal, strings.ReplaceAll(decimal, " ", ", "), new(big.Int).SetBytes(raw).String(),
	}
}

func TestEncodedBytes(t *testing.T) {
	raw := bytes.Repeat([]byte{0xff}, 32)
	k, err := keyset.NewSymmetric("a", keyset.HS256, secret.New(raw), keyset.Hex)
	if err != nil {
		t.Fatal(err)
	}
	s := create(t, k)
	if got := string(s.Signing().Text().Reveal()); got != strings.Repeat("ff", 32) {
		t.Errorf("text %s", got)
	}
	if got := s.Signing().SignKey().([]byte); !bytes.Equal(got, raw) {
		t.Errorf("signs with %x", got)
	}
}

func TestAdoptedMayBeShort(t *testing.T) {
	weak := secret.New([]byte("abc123"))
	if _, err := keyset.NewSymmetric("a", keyset.HS256, weak, ""); !errors.Is(err, keyset.ErrShortKey) {
		t.Errorf("a short key was made: %v", err)
	}
	k, err := keyset.AdoptSymmetric("a", keyset.HS256, weak, "")
	if err != nil {
		t.Fatal(err)
	}
	if s := create(t, k); string(s.Signing().Text().Reveal()) != "abc123" || !s.Signing().Adopted {
		t.Error("an adopted key is not what applications use")
	}
}

// What verifies does not hold what signs: a previous key has no private half in
// memory either, whoever made the pair.
func TestAPublicHalfHoldsNoPrivateOne(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made, err := keyset.NewAsymmetric(keyset.ES256, ec)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	adopted, err := keyset.AdoptPublic("old", keyset.RS256, pair.Public())
	if err != nil {
		t.Fatal(err)
	}
	halves, first, second := []any{made.VerifyKey(), adopted.VerifyKey()}, weak.Make(ec), weak.Make(pair)
	runtime.GC() // nothing below names a key
	runtime.GC()
	if first.Value() != nil || second.Value() != nil {
		t.Errorf("private halves are still held: ES256 %v, RS256 %v", first.Value() != nil, second.Value() != nil)
	}
	runtime.KeepAlive(halves)
}
