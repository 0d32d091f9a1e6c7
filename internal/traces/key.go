package traces

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"slices"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// leastKid is how long a kid has to be, in bytes, to be looked for: a short one such
// as "2024-01" stands in texts that have nothing to do with it.
const leastKid = 16

// OfKey are the parts of a key: of a symmetric one its bytes and the text that
// applications have; of a pair the private numbers, or where they were dropped the
// public half and the kid.
func OfKey(k keyset.Key) []Part {
	switch key := k.SignKey().(type) {
	case []byte:
		parts := []Part{{Bytes: key}}
		if text := k.Text().Reveal(); !slices.Equal(text, key) {
			parts = append(parts, Part{Bytes: text})
		}
		return parts
	case *rsa.PrivateKey:
		parts := []Part{{Bytes: key.D.Bytes()}} //nolint:staticcheck // read, not changed
		for _, p := range key.Primes {
			parts = append(parts, Part{Bytes: p.Bytes()})
		}
		return parts
	case *ecdsa.PrivateKey:
		d, err := key.Bytes()
		if err != nil {
			return nil // not reached: the keyset holds no such key
		}
		return []Part{{Bytes: withoutZeros(d)}}
	case ed25519.PrivateKey:
		return []Part{{Bytes: key.Seed()}}
	}
	return append(publicOf(k), OfKid(k.Kid)...)
}

// OfKid is a kid of which nothing else is known any more.
func OfKid(kid string) []Part {
	if len(kid) < leastKid {
		return nil
	}
	return []Part{{Bytes: []byte(kid), Public: true, Text: true}}
}

func publicOf(k keyset.Key) []Part {
	switch key := k.VerifyKey().(type) {
	case *rsa.PublicKey:
		return []Part{{Bytes: key.N.Bytes(), Public: true}}
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y (SEC 1 §2.3.3)
		if err != nil {
			return nil // not reached: the keyset holds no such key
		}
		x := point[1 : 1+len(point)/2]
		return []Part{{Bytes: withoutZeros(x), Public: true}}
	case ed25519.PublicKey:
		return []Part{{Bytes: key, Public: true}}
	}
	return nil
}

// withoutZeros is a number as those write it that give it no fixed length.
func withoutZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
