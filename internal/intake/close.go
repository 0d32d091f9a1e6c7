package intake

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
)

// Go reads no RSA key whose primes are close to each other (FIPS 186-5 §A.1.3), and
// does not say why. Whoever has such a key has to know: anyone can take it apart.

// closePrimes reports whether two primes are closer than 2^(bits/2 - 100).
func closePrimes(p, q *big.Int) bool {
	if p == nil || q == nil || p.Sign() <= 0 || q.Sign() <= 0 {
		return false
	}
	bits := new(big.Int).Mul(p, q).BitLen()
	return new(big.Int).Sub(p, q).BitLen() <= bits/2-100
}

// closeInJWK is closePrimes of a JWK's members.
func closeInJWK(members map[string]string) bool {
	var primes [2]*big.Int
	for i, name := range []string{"p", "q"} {
		b, err := base64.RawURLEncoding.DecodeString(members[name])
		if err != nil || len(b) > 1024 {
			return false
		}
		primes[i] = new(big.Int).SetBytes(b)
	}
	return members["kty"] == "RSA" && closePrimes(primes[0], primes[1])
}

// closeInDER is closePrimes of a key in PKCS #1 (RFC 8017 §A.1.2) or PKCS #8 (RFC 5958
// §2) that is not encrypted.
func closeInDER(der []byte) bool {
	var outer struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &outer); err == nil {
		der = outer.Key
	}
	var key struct {
		Version          int
		N, E, D, P, Q    *big.Int
		DP, DQ, Qinverse *big.Int
	}
	_, err := asn1.Unmarshal(der, &key)
	return err == nil && closePrimes(key.P, key.Q)
}
