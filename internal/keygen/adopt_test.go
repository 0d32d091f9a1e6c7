package keygen_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const sound = "q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs"

func TestAdoptText(t *testing.T) {
	for _, c := range []struct {
		name, raw, text string
		notes           int
	}{
		{"as it is", sound, sound, 1},
		{"one line end is cut", sound + "\n", sound, 2},
		{"one Windows line end is cut", sound + "\r\n", sound, 2},
		{"only one", sound + "\n\n", sound + "\n", 3},
		{"inner and leading white space stays", " " + sound + " x", " " + sound + " x", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := keygen.Adopt(keygen.Spec{}, []byte(c.raw), "old-kid")
			if err != nil {
				t.Fatal(err)
			}
			if string(a.Key.Text().Reveal()) != c.text || a.Key.Kid != "old-kid" || !a.Key.Adopted || a.Key.Alg != keyset.HS256 {
				t.Errorf("the key is not what was adopted: %+v", a.Key)
			}
			if len(a.Weak) > 0 || len(a.Notes) != c.notes {
				t.Errorf("weak %q, notes %q", a.Weak, a.Notes)
			}
			roundTrip(t, a.Key, reread(t, a.Key))
		})
	}
}

func TestAdoptMakesAKid(t *testing.T) {
	a, err := keygen.Adopt(keygen.Spec{}, []byte(sound), "")
	if err != nil || len(a.Key.Kid) != 26 {
		t.Fatalf("kid %q, %v", a.Key.Kid, err)
	}
}

func TestAdoptBytes(t *testing.T) {
	k := newKey(t, keygen.Spec{AsBytes: true, Encoding: keyset.Base64})
	text := k.Text().Reveal()
	a, err := keygen.Adopt(keygen.Spec{Algorithm: keyset.HS256, AsBytes: true, Encoding: keyset.Base64}, text, "")
	if err != nil || !a.Key.SameMaterial(k) || !a.Key.Text().Equal(k.Text()) || len(a.Weak)+len(a.Notes) > 0 {
		t.Fatalf("%v, weak %q, notes %q", err, a.Weak, a.Notes)
	}
	if _, err := keygen.Adopt(keygen.Spec{AsBytes: true}, text, ""); err == nil {
		t.Fatal("padded base64 passed as base64url: its readers would find another text")
	}
}

func TestAdoptPEM(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	ecParams := "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
	for _, c := range []struct {
		name  string
		pem   string
		alg   keyset.Algorithm
		want  keyset.Algorithm
		key   crypto.Signer
		notes int
	}{
		{"PKCS #8 RSA", pkcs8(rsaKey), "", keyset.RS256, rsaKey, 1},
		{"PKCS #8 RSA, algorithm told", pkcs8(rsaKey), keyset.PS384, keyset.PS384, rsaKey, 0},
		{"PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), "", keyset.RS256, rsaKey, 2},
		{"SEC 1 after its parameters", ecParams + block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey))), "", keyset.ES384, ecKey, 2},
		{"Ed25519", pkcs8(edKey), "", keyset.EdDSA, edKey, 1},
		{"Ed25519, newer name", pkcs8(edKey), keyset.Ed25519, keyset.Ed25519, edKey, 0},
		{"line ends escaped as in a variable", strings.ReplaceAll(pkcs8(ecKey), "\n", `\n`), "", keyset.ES384, ecKey, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := keygen.Adopt(keygen.Spec{Algorithm: c.alg}, []byte(strings.TrimSuffix(c.pem, "\n")), "")
			if err != nil {
				t.Fatal(err)
			}
			if a.Key.Alg != c.want || len(a.Weak) > 0 || len(a.Notes) != c.notes {
				t.Errorf("%s, weak %q, notes %q", a.Key.Alg, a.Weak, a.Notes)
			}
			made, err := keyset.NewAsymmetric(c.want, c.key)
			if err != nil || made.Kid != a.Key.Kid {
				t.Errorf("kid %s, want %s (%v)", a.Key.Kid, made.Kid, err)
			}
			roundTrip(t, reread(t, a.Key), made)
		})
	}
}

func TestAdoptShortRSA(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	a, err := keygen.Adopt(keygen.Spec{}, []byte(pkcs8(short)), "kid")
	if err != nil || len(a.Weak) != 1 {
		t.Fatalf("%v, weak %q", err, a.Weak)
	}
	roundTrip(t, reread(t, a.Key), a.Key)
}

func TestAdoptRefuses(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	public := block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(rsaKey.Public())))
	encrypted := strings.Replace(block("RSA PRIVATE KEY", []byte("canary")), "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
	for _, c := range []struct {
		name, raw, kid string
		spec           keygen.Spec
		want           string
	}{
		{"nothing", "", "", keygen.Spec{}, "empty"},
		{"a line end alone", "\n", "", keygen.Spec{}, "empty"},
		{"too long", strings.Repeat("canary", 1000), "", keygen.Spec{}, "4096"},
		{"binary", "canary\xff\xfe" + sound, "", keygen.Spec{}, "secret_as"},
		{"a zero byte", "canary\x00" + sound, "", keygen.Spec{}, "secret_as"},
		{"text for an asymmetric algorithm", "canary" + sound, "", keygen.Spec{Algorithm: keyset.ES256}, "PEM"},
		{"a PEM for a symmetric one", pkcs8(rsaKey), "", keygen.Spec{Algorithm: keyset.HS256}, "PEM"},
		{"a PEM of another type", pkcs8(rsaKey), "", keygen.Spec{Algorithm: keyset.ES256}, "an RSA key does not serve ES256"},
		{"a public key", public, "", keygen.Spec{}, "no private key"},
		{"two private keys", pkcs8(rsaKey) + pkcs8(rsaKey), "", keygen.Spec{}, "more than one"},
		{"an unknown curve", pkcs8(p224), "", keygen.Spec{}, "P-256"},
		{"a damaged PEM", block("PRIVATE KEY", []byte("canary")), "", keygen.Spec{}, "can be read"},
		{"PEM without line ends", strings.ReplaceAll(pkcs8(rsaKey), "\n", " "), "", keygen.Spec{}, "line ends"},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", []byte("canary")), "", keygen.Spec{}, "openssl pkey"},
		{"encrypted the old way", encrypted, "", keygen.Spec{}, "openssl pkey"},
		{"a kid with a line end", sound, "a\nb", keygen.Spec{}, "kid"},
		{"a long kid", sound, strings.Repeat("k", 129), keygen.Spec{}, "kid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := keygen.Adopt(c.spec, []byte(c.raw), c.kid)
			if err == nil {
				t.Fatal("adopted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want a word about %s", err, c.want)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), sound) {
				t.Error("the error quotes the value")
			}
		})
	}
}

// The four bad kinds of secrets that people make up, and some relatives. All
// are adopted, and reported without being quoted.
func TestAdoptWeak(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want []string
	}{
		{"supersecretpassword", []string{"19 bytes", "guessed", "common words"}},
		{"12345678901234567890123456789012", []string{"guessed", "counted"}},
		{"abc123", []string{"6 bytes", "guessed", "counted"}},
		{"mycompany2026", []string{"13 bytes", "guessed", "a year", "common words"}},
		{"acmecorp2026", []string{"guessed", "a year"}},
		{"P4ssw0rdP4ssw0rdP4ssw0rdP4ssw0rd", []string{"guessed", "common words"}},
		{"your-256-bit-secret", []string{"guessed", "common words"}},
		{"a-string-secret-at-least-256-bits-long", []string{"guessed", "common words"}},
		{"correct horse battery staple please", []string{"guessed", "common words"}},
		{"qwertyuiopasdfghjklzxcvbnm1234567890", []string{"guessed", "keyboard"}},
		{strings.Repeat("a", 64), []string{"guessed", "repetitions"}},
		{strings.Repeat("x7Kq2mPz", 8), []string{"guessed", "repetitions"}},
		{strings.Repeat("01", 40) + "0011010", []string{"guessed"}},
		{"550e8400e29b41d4a716446655440000", []string{"guessed"}},
		{"Tr0ub4dor&3", []string{"11 bytes", "guessed"}},
	} {
		a, err := keygen.Adopt(keygen.Spec{Algorithm: keyset.HS256}, []byte(c.raw), "")
		if err != nil {
			t.Errorf("%s: %v", c.raw, err)
			continue
		}
		all := strings.Join(a.Weak, "\n")
		for _, want := range c.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q does not say %q", c.raw, all, want)
			}
		}
		if strings.Contains(all, c.raw) {
			t.Errorf("%s is quoted", c.raw)
		}
		roundTrip(t, reread(t, a.Key), a.Key)
	}
}

func TestAdoptShortForItsHash(t *testing.T) {
	a, err := keygen.Adopt(keygen.Spec{Algorithm: keyset.HS512}, []byte(sound), "")
	if err != nil || len(a.Weak) != 1 || !strings.Contains(a.Weak[0], "43 bytes, HS512 needs at least 64") {
		t.Fatalf("%v, weak %q", err, a.Weak)
	}
}

func FuzzAdopt(f *testing.F) {
	f.Add("HS256", []byte(sound), "kid")
	f.Add("", []byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"), "")
	f.Fuzz(func(t *testing.T, alg string, raw []byte, kid string) {
		a, err := keygen.Adopt(keygen.Spec{Algorithm: keyset.Algorithm(alg)}, raw, kid)
		if err == nil && a.Key.Text().Len() == 0 && a.Key.PrivatePEM().Len() == 0 {
			t.Fatal("adopted nothing")
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pkcs8(key any) string { return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))) }

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}
