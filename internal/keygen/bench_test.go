package keygen

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/bench/pair"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var benched = []keyset.Algorithm{keyset.HS256, keyset.HS384, keyset.HS512, keyset.ES256, keyset.ES384, keyset.ES512, keyset.EdDSA}

// The material alone: what rotate draws, against a call of crypto/*.
func BenchmarkMaterial(b *testing.B) {
	for _, alg := range benched {
		spec := Spec{Algorithm: alg}.filled()
		b.Run(string(alg), func(b *testing.B) {
			pair.Ratio(b, func() { kept = draw(b, spec) }, func() { kept = material(b, alg) })
		})
	}
}

// A whole key, against the plainest code on crypto/* that makes the same parts:
// the material, and of a symmetric key its text and a random kid, of any other
// the RFC 7638 thumbprint. Ours is checked, too, and cannot be printed.
func BenchmarkNew(b *testing.B) {
	for _, alg := range benched {
		b.Run(string(alg), func(b *testing.B) {
			pair.Ratio(b, func() { made = whole(b, alg) }, func() { plain = plainly(b, alg) })
		})
	}
}

// A whole key, against the material alone, which is not the same job.
func BenchmarkNewToMaterial(b *testing.B) {
	for _, alg := range benched {
		b.Run(string(alg), func(b *testing.B) {
			pair.Ratio(b, func() { made = whole(b, alg) }, func() { kept = material(b, alg) })
		})
	}
}

// What is made is kept, as a program would.
var (
	kept  any
	made  keyset.Key
	plain plainKey
)

func whole(b *testing.B, alg keyset.Algorithm) keyset.Key {
	k, err := Spec{Algorithm: alg}.New()
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func draw(b *testing.B, s Spec) any {
	if s.Algorithm.Symmetric() {
		return s.random()
	}
	signer, err := s.signer()
	if err != nil {
		b.Fatal(err)
	}
	return signer
}

func material(b *testing.B, alg keyset.Algorithm) any {
	if alg.Symmetric() {
		raw := make([]byte, alg.MinBytes())
		_, _ = rand.Read(raw)
		return raw
	}
	var signer any
	var err error
	if curve := alg.Curve(); curve != nil {
		signer, err = ecdsa.GenerateKey(curve, rand.Reader)
	} else {
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		b.Fatal(err)
	}
	return signer
}

type plainKey struct {
	kid, text string
	signer    any
}

func plainly(b *testing.B, alg keyset.Algorithm) plainKey {
	text := base64.RawURLEncoding.EncodeToString
	if alg.Symmetric() {
		raw := make([]byte, alg.MinBytes())
		_, _ = rand.Read(raw)
		return plainKey{kid: rand.Text(), text: text(raw)}
	}
	var public string
	m := material(b, alg)
	switch m := m.(type) {
	case *ecdsa.PrivateKey:
		point, err := m.PublicKey.Bytes()
		if err != nil {
			b.Fatal(err)
		}
		half := len(point)/2 + 1
		public = `{"crv":"` + m.Params().Name + `","kty":"EC","x":"` + text(point[1:half]) + `","y":"` + text(point[half:]) + `"}`
	case ed25519.PrivateKey:
		public = `{"crv":"Ed25519","kty":"OKP","x":"` + text(m.Public().(ed25519.PublicKey)) + `"}`
	}
	sum := sha256.Sum256([]byte(public))
	return plainKey{kid: text(sum[:]), signer: m}
}

// The other side makes the same kid: else the ratio would be of two jobs.
func TestPlainlyIsTheSameJob(t *testing.T) {
	for _, alg := range []keyset.Algorithm{keyset.ES256, keyset.ES384, keyset.ES512, keyset.EdDSA} {
		k := plainly(&testing.B{}, alg)
		ours, err := keyset.NewAsymmetric(alg, k.signer.(crypto.Signer))
		if err != nil || ours.Kid != k.kid {
			t.Errorf("%s: kid %s, %s (%v)", alg, k.kid, ours.Kid, err)
		}
	}
}

// How long the search for primes takes is luck, by a factor of ten: what
// rotate adds to it is measured apart, on one key, and held against the mean.
func BenchmarkNewRSA(b *testing.B) {
	for bits, name := range map[int]string{2048: "RS256-2048", 3072: "RS256-3072"} {
		b.Run(name, func(b *testing.B) {
			var search, rest time.Duration
			for b.Loop() {
				begin := time.Now()
				signer, err := rsa.GenerateKey(rand.Reader, bits)
				if err != nil {
					b.Fatal(err)
				}
				found := time.Now()
				if _, err := keyset.NewAsymmetric(keyset.RS256, crypto.Signer(signer)); err != nil {
					b.Fatal(err)
				}
				search += found.Sub(begin)
				rest += time.Since(found)
			}
			b.ReportMetric(float64(search+rest)/float64(search), pair.Unit)
		})
	}
}
