package keygen

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base32"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// New makes a key. An RSA key takes up to some seconds, any other less than a
// millisecond. It fails only where Validate does.
func (s Spec) New() (keyset.Key, error) {
	if err := s.Validate(); err != nil {
		return keyset.Key{}, err
	}
	f := s.filled()
	if f.Algorithm.Symmetric() {
		return f.symmetric()
	}
	signer, err := f.signer()
	if err != nil {
		return keyset.Key{}, err
	}
	return keyset.NewAsymmetric(f.Algorithm, signer)
}

// Text makes one secret as an application reads it: the text of a symmetric
// key, the PKCS #8 PEM of any other.
func (s Spec) Text() (secret.Text, error) {
	k, err := s.New()
	if err != nil || k.Alg.Symmetric() {
		return k.Text(), err
	}
	return k.PrivatePEM(), nil
}

// symmetric draws the bytes of a key. The text that they are written as is the
// key, unless applications decode it: a program that passes the string to its
// JWT library and one that uses the JWK then agree.
func (s Spec) symmetric() (keyset.Key, error) {
	raw := s.random()
	if s.AsBytes {
		return keyset.NewSymmetric(RandomKid(), s.Algorithm, secret.New(raw), s.Encoding)
	}
	text := s.Prefix + s.Encoding.Encode(raw)
	return keyset.NewSymmetric(RandomKid(), s.Algorithm, secret.New([]byte(text)), "")
}

func (s Spec) random() []byte {
	raw := make([]byte, s.Bytes)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return raw
}

func (s Spec) signer() (crypto.Signer, error) {
	switch {
	case isRSA(s.Algorithm):
		return rsa.GenerateKey(rand.Reader, s.Bits)
	case s.Algorithm.Curve() != nil:
		return ecdsa.GenerateKey(s.Algorithm.Curve(), rand.Reader)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}

// RandomKid names a symmetric key by 130 random bits in 26 characters. A kid is
// public, so it is not made of the key, as the thumbprints of asymmetric ones
// are: a hash of a weak secret could be searched for.
func RandomKid() string {
	var bits [17]byte
	_, _ = rand.Read(bits[:])
	return lowerBase32.EncodeToString(bits[:])[:26]
}

// lowerBase32 is RFC 4648 §6 in lower case.
var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
