package keyset

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	"github.com/keyrotate/rotate/secret"
)

// A Status is what a key does now.
type Status string

// The statuses of a live key.
const (
	Current  Status = "current"  // signs
	Next     Status = "next"     // published, not yet signing
	Previous Status = "previous" // only verifies
)

// A Key is one key of a set. It prints without its material and is not to be
// changed.
type Key struct {
	Kid    string    // random for symmetric keys, RFC 7638 thumbprint for others
	Alg    Algorithm // the only algorithm it may be used with
	Status Status

	Issued    time.Time // iat: made
	NotBefore time.Time // nbf: began to sign; zero while next
	Expires   time.Time // exp: stops verifying; zero until its successor has settled
	Adopted   bool      // taken in from elsewhere: its length is not vouched for
	Made      uint64    // generation that first had it; 0 in documents of the first version

	bytes    secret.Text          // symmetric: the bytes of the MAC key
	encoding Encoding             // symmetric: how text is made of bytes; "" if they are the text
	signer   func() crypto.Signer // asymmetric: the private half, nil where it was dropped
	public   crypto.PublicKey     // asymmetric
	extra    map[string]any       // members that this version does not know
}

// NewSymmetric makes a key of material. With an empty encoding the material is
// the text that applications pass to their JWT library as it is. With one, the
// material is raw bytes, and applications decode the text first.
func NewSymmetric(kid string, alg Algorithm, material secret.Text, enc Encoding) (Key, error) {
	return Key{Kid: kid, Alg: alg, bytes: material, encoding: enc}.checked()
}

// NewAsymmetric makes a key of a private key; its kid is the RFC 7638
// thumbprint of the public half.
func NewAsymmetric(alg Algorithm, signer crypto.Signer) (Key, error) {
	return asymmetric(alg, signer).named("").checked()
}

// AdoptSymmetric takes in a key that applications already use: it may be
// shorter than rotate would make it.
func AdoptSymmetric(kid string, alg Algorithm, material secret.Text, enc Encoding) (Key, error) {
	return Key{Kid: kid, Alg: alg, bytes: material, encoding: enc, Adopted: true}.checked()
}

// AdoptAsymmetric is AdoptSymmetric for a private key. A kid that tokens
// already carry is kept; "" stands for the thumbprint.
func AdoptAsymmetric(kid string, alg Algorithm, signer crypto.Signer) (Key, error) {
	k := asymmetric(alg, signer)
	k.Adopted = true
	return k.named(kid).checked()
}

// AdoptPublic is AdoptAsymmetric for a key of which only the public half is
// known. It verifies; it cannot become current.
func AdoptPublic(kid string, alg Algorithm, public crypto.PublicKey) (Key, error) {
	return Key{Alg: alg, public: alone(public), Adopted: true}.named(kid).checked()
}

func asymmetric(alg Algorithm, signer crypto.Signer) Key {
	return Key{Alg: alg, signer: func() crypto.Signer { return signer }, public: alone(signer.Public())}
}

// alone is a public half that does not hold its private one: what Public returns
// of an ECDSA or RSA key points into it.
func alone(public crypto.PublicKey) crypto.PublicKey {
	switch half := public.(type) {
	case *ecdsa.PublicKey:
		own := *half
		return &own
	case *rsa.PublicKey:
		own := *half
		return &own
	}
	return public
}

// named sets the kid of an asymmetric key; "" stands for its thumbprint.
func (k Key) named(kid string) Key {
	if k.Kid = kid; kid == "" && publicMembers(k.public) != nil {
		k.Kid = thumbprint(k.public)
	}
	return k
}

// checked is k, or the zero Key if its material does not fit.
func (k Key) checked() (Key, error) {
	if err := k.checkMaterial(); err != nil {
		return Key{}, err
	}
	return k, nil
}

// SignKey is what JWT libraries take for signing: []byte for HS* and opaque
// keys, otherwise *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey. It
// is nil for a key whose private half was dropped.
func (k Key) SignKey() any {
	if k.Alg.Symmetric() {
		return k.bytes.Reveal()
	}
	if k.signer == nil {
		return nil
	}
	return k.signer()
}

// VerifyKey is what JWT libraries take for verifying: []byte for HS* and
// opaque keys, otherwise *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
func (k Key) VerifyKey() any {
	if k.Alg.Symmetric() {
		return k.bytes.Reveal()
	}
	return k.public
}

// Private reports whether the key holds what signs.
func (k Key) Private() bool { return k.Alg.Symmetric() || k.signer != nil }

// Text is the key as applications read it from a variable or a file: a
// symmetric key's text; an asymmetric one's PKCS #8 PEM while it is current,
// its public PEM (RFC 7468 §13) otherwise.
func (k Key) Text() secret.Text {
	switch {
	case k.Alg.Symmetric() && k.encoding != "":
		return secret.New([]byte(k.encoding.Encode(k.bytes.Reveal())))
	case k.Alg.Symmetric():
		return k.bytes
	case k.Status == Current:
		return k.PrivatePEM()
	}
	return secret.New(k.PublicPEM())
}

// PrivatePEM is the PKCS #8 form of an asymmetric key; empty if it has none.
func (k Key) PrivatePEM() secret.Text {
	if k.Alg.Symmetric() || k.signer == nil {
		return secret.Text{}
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.signer())
	if err != nil {
		return secret.Text{} // not reached: checkMaterial admits no other kind
	}
	return secret.New(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// PublicPEM is the SubjectPublicKeyInfo form of an asymmetric key; nil for
// symmetric ones.
func (k Key) PublicPEM() []byte {
	if k.public == nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil // not reached: checkMaterial admits no other kind
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// SameMaterial reports whether two keys are one under two names.
func (k Key) SameMaterial(o Key) bool {
	if k.Alg.Symmetric() || o.Alg.Symmetric() {
		return k.Alg.Symmetric() && o.Alg.Symmetric() && k.bytes.Equal(o.bytes)
	}
	return thumbprint(k.public) == thumbprint(o.public)
}

// Fingerprint writes what a key is made of into w, which must be a keyed hash:
// two keys then have the same sum exactly where SameMaterial says so, and a sum
// tells a guesser nothing.
func (k Key) Fingerprint(w io.Writer) {
	if k.Alg.Symmetric() {
		fmt.Fprintf(w, "symmetric %s", k.bytes.Reveal())
		return
	}
	fmt.Fprintf(w, "asymmetric %s", thumbprint(k.public))
}

// withoutPrivate drops what signs. A symmetric key stays as it is: the same
// bytes verify.
func (k Key) withoutPrivate() Key {
	k.signer = nil
	return k
}

// checkMaterial refuses material that does not fit the algorithm.
func (k Key) checkMaterial() error {
	switch pub := k.public.(type) {
	case nil:
		if !k.Alg.Symmetric() {
			return fmt.Errorf("%w: no public key for %s", ErrBadKey, k.Alg)
		}
		if n := k.bytes.Len(); n == 0 || n < k.Alg.MinBytes() && !k.Adopted {
			return fmt.Errorf("%w: %d bytes, %s needs %d", ErrShortKey, n, k.Alg, k.Alg.MinBytes())
		}
		return nil
	case *rsa.PublicKey:
		if k.Alg.rsa() && pub.N.BitLen() < 2048 && !k.Adopted {
			return fmt.Errorf("%w: an RSA key of %d bits, at least 2048 are needed (RFC 7518 §3.3)", ErrShortKey, pub.N.BitLen())
		}
		if k.Alg.rsa() {
			return nil
		}
	case *ecdsa.PublicKey:
		if pub.Curve == k.Alg.Curve() {
			return nil
		}
	case ed25519.PublicKey:
		if k.Alg == Ed25519 || k.Alg == EdDSA {
			return nil
		}
	}
	return fmt.Errorf("%w: an %s key does not serve %s", ErrBadKey, kindOf(k.public), k.Alg)
}

// kindOf is what people call a public key's type.
func kindOf(public any) string {
	switch public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return "EC"
	}
	return "Ed25519"
}
