package keygen_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/bench/pair"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A key against what crypto/* needs for its material alone. Ours has a kid
// beside it and is ready to be written.
func BenchmarkNew(b *testing.B) {
	for _, alg := range []keyset.Algorithm{keyset.HS256, keyset.HS384, keyset.HS512, keyset.ES256, keyset.ES384, keyset.ES512, keyset.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			pair.Ratio(b, func() {
				if _, err := (keygen.Spec{Algorithm: alg}).New(); err != nil {
					b.Fatal(err)
				}
			}, func() { material(b, alg) })
		})
	}
}

func material(b *testing.B, alg keyset.Algorithm) {
	var err error
	switch {
	case alg.Symmetric():
		_, err = rand.Read(make([]byte, alg.MinBytes()))
	case alg.Curve() != nil:
		_, err = ecdsa.GenerateKey(alg.Curve(), rand.Reader)
	default:
		_, _, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		b.Fatal(err)
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
