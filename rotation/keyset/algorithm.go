package keyset

import (
	"crypto/elliptic"
	"fmt"
	"slices"
)

// An Algorithm is what a key is for: a JWS algorithm name (RFC 7518 §3.1,
// RFC 9864 for Ed25519), or Opaque for a shared secret that signs nothing.
type Algorithm string

// The algorithms that rotate makes keys for.
const (
	HS256   Algorithm = "HS256"
	HS384   Algorithm = "HS384"
	HS512   Algorithm = "HS512"
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	Ed25519 Algorithm = "Ed25519"
	EdDSA   Algorithm = "EdDSA" // Ed25519 under the name that older verifiers know (RFC 8037)
	Opaque  Algorithm = "opaque"
)

// Algorithms lists every Algorithm, the default first.
func Algorithms() []Algorithm {
	return []Algorithm{
		HS256, HS384, HS512, ES256, ES384, ES512, Ed25519, EdDSA,
		RS256, RS384, RS512, PS256, PS384, PS512, Opaque,
	}
}

// Known reports whether a is one of Algorithms.
func (a Algorithm) Known() bool { return slices.Contains(Algorithms(), a) }

// Symmetric reports whether the same secret signs and verifies.
func (a Algorithm) Symmetric() bool { return a.MinBytes() > 0 }

// MinBytes is the least length of a symmetric key: that of the hash output
// (RFC 7518 §3.2), and 32 bytes for opaque secrets. 0 for asymmetric ones.
func (a Algorithm) MinBytes() int {
	switch a {
	case HS256, Opaque:
		return 32
	case HS384:
		return 48
	case HS512:
		return 64
	}
	return 0
}

// rsa reports whether a signs with an RSA key.
func (a Algorithm) rsa() bool {
	return slices.Contains([]Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}, a)
}

// Curve is the curve of an ECDSA algorithm (RFC 7518 §3.4), nil for others.
func (a Algorithm) Curve() elliptic.Curve {
	switch a {
	case ES256:
		return elliptic.P256()
	case ES384:
		return elliptic.P384()
	case ES512:
		return elliptic.P521()
	}
	return nil
}

// ParseAlgorithm takes an algorithm's name as it stands in a config.
func ParseAlgorithm(s string) (Algorithm, error) {
	if a := Algorithm(s); a.Known() {
		return a, nil
	}
	return "", fmt.Errorf("%w: %q; known are %v", ErrUnknownFormat, s, Algorithms())
}
