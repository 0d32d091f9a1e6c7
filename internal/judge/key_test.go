package judge_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPrivateKeyFine(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for name, key := range map[string]crypto.Signer{
		"RSA":     must(rsa.GenerateKey(rand.Reader, 2048)),
		"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P-521":   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		"Ed25519": ed,
	} {
		if r := judge.PrivateKey(key); r.Verdict != judge.Fine || len(r.Reasons) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// prime is the next one from a point on.
func prime(from *big.Int) *big.Int {
	p := new(big.Int).SetBit(from, 0, 1)
	for !p.ProbablyPrime(10) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

// madeOf is a key of two primes and an exponent.
func madeOf(p, q *big.Int, e int) *rsa.PrivateKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(int64(e)), phi)
	if d == nil {
		d = big.NewInt(1)
	}
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: e}, D: d, Primes: []*big.Int{p, q}}
}

func TestRSA(t *testing.T) {
	random := func(bits int) *big.Int {
		n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits))))
		n.SetBit(n, bits-1, 1)
		return n.SetBit(n, bits-2, 1)
	}
	fit := func() *big.Int { // for the exponent 3
		for {
			if p := prime(random(1024)); new(big.Int).Mod(p, big.NewInt(3)).Int64() == 2 {
				return p
			}
		}
	}
	p, q := fit(), fit()
	near := prime(new(big.Int).Add(p, big.NewInt(1<<40)))
	apart := prime(new(big.Int).Add(p, new(big.Int).Lsh(big.NewInt(1), 900))) // Fermat's method does not find this one
	small := madeOf(p, q, 65537)
	small.D = random(500)
	for _, c := range []struct {
		name string
		key  *rsa.PrivateKey
		want judge.Code
		v    judge.Verdict
		n    int
	}{
		{"sound", madeOf(p, q, 65537), "", judge.Fine, 0},
		{"short", madeOf(prime(random(500)), prime(random(500)), 65537), judge.RSASize, judge.Guessable, 1000},
		{"exponent 3", madeOf(p, q, 3), judge.RSAExponent, judge.BelowAdvice, 3},
		{"exponent 1", madeOf(p, q, 1), judge.RSABroken, judge.Guessable, 0},
		{"even exponent", madeOf(p, q, 65536), judge.RSABroken, judge.Guessable, 0},
		{"a small factor", madeOf(big.NewInt(65521), new(big.Int).Mul(p, q), 65537), judge.RSAFactor, judge.Guessable, 65521},
		{"close primes", madeOf(p, near, 65537), judge.RSAClose, judge.Guessable, 0},
		{"primes as close as FIPS 186-5 forbids", madeOf(p, apart, 65537), judge.RSAClose, judge.Guessable, 0},
		{"the same prime twice", madeOf(p, p, 65537), judge.RSAClose, judge.Guessable, 0},
		{"a small private exponent", small, judge.RSASmallSecret, judge.Guessable, 500},
		{"CVE-2017-15361", infineon(t), judge.RSAInfineon, judge.Guessable, 0},
	} {
		r := judge.PrivateKey(c.key)
		if r.Verdict != c.v || c.want != "" && !r.Has(c.want) {
			t.Errorf("%s: %+v", c.name, r)
			continue
		}
		for _, reason := range r.Reasons {
			if reason.Code == c.want && c.n > 0 && reason.N != c.n {
				t.Errorf("%s: N is %d, want %d", c.name, reason.N, c.n)
			}
		}
		public := judge.PublicKey(&c.key.PublicKey)
		if hidden := c.name == "a small private exponent" || strings.HasPrefix(c.name, "primes as close"); !hidden && public.Verdict != c.v {
			t.Errorf("%s: by its public half %+v", c.name, public)
		}
	}
}

// infineon makes a key as the broken library did: each prime is k·M + 65537^a
// mod M, with M the product of the first primes. They need not be primes here.
func infineon(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if big.NewInt(p).ProbablyPrime(10) {
			m.Mul(m, big.NewInt(p))
		}
	}
	one := func() *big.Int {
		for {
			a := must(rand.Int(rand.Reader, m))
			k := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen()))))
			p := new(big.Int).Exp(big.NewInt(65537), a, m)
			if p.Add(p, k.Mul(k, m)); p.BitLen() >= 1020 {
				return p
			}
		}
	}
	for {
		if k := madeOf(one(), one(), 65537); k.N.BitLen() >= 2048 {
			return k
		}
	}
}

// Every key of the list is known, with its private half or without.
func TestPublishedKeys(t *testing.T) {
	data, err := os.ReadFile("gen/lists/public-keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		public := must(x509.ParsePKIXPublicKey(must(base64.StdEncoding.DecodeString(text))))
		if k, ok := public.(*rsa.PublicKey); ok {
			n++
			if r := judge.PublicKey(k); !r.Has(judge.Known) || r.Verdict != judge.Guessable {
				t.Errorf("%s: %+v", line[:20], r)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d RSA keys are on the list", n)
	}
}

// A curve's secret that somebody typed is found by its bytes.
func TestTypedCurveSecrets(t *testing.T) {
	for name, seed := range map[string]string{
		"text":    "this is my very secret seed 1234",
		"zeros":   strings.Repeat("\x00", 31) + "\x01",
		"counted": "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f",
	} {
		r := judge.PrivateKey(ed25519.NewKeyFromSeed([]byte(seed)))
		if r.Verdict != judge.Guessable {
			t.Errorf("Ed25519, %s: %+v", name, r)
		}
		k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		if r := judge.PrivateKey(k); r.Verdict != judge.Guessable {
			t.Errorf("P-256, %s: %+v", name, r)
		}
	}
}
