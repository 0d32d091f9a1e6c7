package keyset

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/keyrotate/rotate/secret"
)

// privateMembers are the JWK members that only the signer may see (RFC 7518
// §6.2.2, §6.3.2, §6.4.1). Outside of a private key they have no business in a
// document.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// b64 is the encoding of every binary JWK member (RFC 7515 §2).
var b64 = base64.RawURLEncoding

// publicMembers is the public members of an asymmetric key (RFC 7518 §6.2 and
// §6.3, RFC 8037 §2) in the order of their names: exactly those that its
// thumbprint covers (RFC 7638 §3.2).
func publicMembers(pub crypto.PublicKey) [][2]string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		e := big.NewInt(int64(pub.E)).Bytes()
		return [][2]string{{"e", b64.EncodeToString(e)}, {"kty", "RSA"}, {"n", b64.EncodeToString(pub.N.Bytes())}}
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 0x04 ‖ X ‖ Y, both of the curve's full length
		if err != nil {
			return nil // not reached: only points on the curve become keys
		}
		x, y := point[1:len(point)/2+1], point[len(point)/2+1:]
		return [][2]string{{"crv", pub.Params().Name}, {"kty", "EC"}, {"x", b64.EncodeToString(x)}, {"y", b64.EncodeToString(y)}}
	case ed25519.PublicKey:
		return [][2]string{{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", b64.EncodeToString(pub)}}
	}
	return nil
}

// thumbprint is the RFC 7638 hash of a public key, the kid of asymmetric keys.
func thumbprint(pub crypto.PublicKey) string {
	text := make([]byte, 0, 1<<10) // an RSA key of 4096 bits has 700
	for _, member := range publicMembers(pub) {
		text = append(text, `,"`+member[0]+`":"`+member[1]+`"`...) // base64url and names: nothing to escape
	}
	text[0] = '{'
	sum := sha256.Sum256(append(text, '}'))
	return b64.EncodeToString(sum[:])
}

// privateJWK adds the members that sign.
func privateJWK(m map[string]any, signer crypto.Signer) {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		key.Precompute()
		for name, v := range map[string]*big.Int{
			"d": key.D, "p": key.Primes[0], "q": key.Primes[1],
			"dp": key.Precomputed.Dp, "dq": key.Precomputed.Dq, "qi": key.Precomputed.Qinv,
		} {
			m[name] = b64.EncodeToString(v.Bytes())
		}
	case *ecdsa.PrivateKey:
		if d, err := key.Bytes(); err == nil {
			m["d"] = b64.EncodeToString(d)
		}
	case ed25519.PrivateKey:
		m["d"] = b64.EncodeToString(key.Seed())
	}
}

// JWK is the key's members without status and dates; the private ones only if
// asked for.
func (k Key) jwk(private bool) map[string]any {
	m := map[string]any{"kid": k.Kid}
	if k.Alg != Opaque {
		m["alg"], m["use"] = string(k.Alg), "sig"
	}
	if k.Alg.Symmetric() {
		m["kty"] = "oct"
		if private {
			m["k"] = b64.EncodeToString(k.bytes.Reveal())
		}
		if k.encoding != "" {
			m["encoding"] = string(k.encoding)
		}
		return m
	}
	for _, member := range publicMembers(k.public) {
		m[member[0]] = member[1]
	}
	if private && k.signer != nil {
		privateJWK(m, k.signer())
	}
	return m
}

// readJWK takes the material out of a JWK's members.
func (k *Key) readJWK(m *members) error {
	kty := m.text("kty")
	k.Alg = Algorithm(m.optText("alg"))
	if k.Alg == "" && kty == "oct" {
		k.Alg = Opaque
	}
	if use := m.optText("use"); use != "" && use != "sig" {
		return fmt.Errorf("%w: its use is not sig", ErrBadKey)
	}
	if !k.Alg.Known() {
		return ErrUnknownFormat
	}
	var err error
	switch kty {
	case "oct":
		k.bytes = secret.New(m.binary("k"))
		k.encoding = Encoding(m.optText("encoding"))
		if k.encoding != "" {
			if _, unknown := ParseEncoding(string(k.encoding)); unknown != nil {
				err = fmt.Errorf("%w: unknown encoding", ErrBadKey)
			}
		}
		if !k.Alg.Symmetric() {
			err = fmt.Errorf("%w: kty oct does not serve %s", ErrBadKey, k.Alg)
		}
	case "RSA":
		err = k.readRSA(m)
	case "EC":
		err = k.readEC(m)
	case "OKP":
		err = k.readEd25519(m)
	default:
		err = fmt.Errorf("%w: unknown kty", ErrBadKey)
	}
	if err != nil {
		return err
	}
	return k.checkMaterial()
}

func (k *Key) readRSA(m *members) error {
	n, e := m.integer("n"), m.integer("e")
	// crypto/rsa takes exponents of 31 bits; 65537 is what everyone makes.
	if n.Sign() <= 0 || e.BitLen() > 31 || e.Bit(0) == 0 || n.BitLen() > 8192 {
		return fmt.Errorf("%w: an RSA modulus or exponent out of range", ErrBadKey)
	}
	pub := rsa.PublicKey{N: n, E: int(e.Int64())}
	k.public = &pub
	if !m.has("d") {
		return nil
	}
	priv := &rsa.PrivateKey{PublicKey: pub, D: m.integer("d"), Primes: []*big.Int{m.integer("p"), m.integer("q")}}
	for _, name := range []string{"dp", "dq", "qi"} {
		m.integer(name) // derived from the others: Precompute makes them again
	}
	priv.Precompute() // first: Validate would do the same work and throw it away
	if err := priv.Validate(); err != nil {
		return fmt.Errorf("%w: the RSA private key does not hold together", ErrBadKey)
	}
	k.signer = func() crypto.Signer { return priv }
	return nil
}

func (k *Key) readEC(m *members) error {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve := curves[m.text("crv")]
	if curve == nil {
		return fmt.Errorf("%w: unknown curve", ErrBadKey)
	}
	point := append([]byte{4}, append(m.binary("x"), m.binary("y")...)...)
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return fmt.Errorf("%w: not a point on the curve", ErrBadKey)
	}
	k.public = pub
	if !m.has("d") {
		return nil
	}
	priv, err := ecdsa.ParseRawPrivateKey(curve, m.binary("d"))
	return k.takePrivate(priv, err)
}

func (k *Key) readEd25519(m *members) error {
	pub := ed25519.PublicKey(m.binary("x"))
	if m.text("crv") != "Ed25519" || len(pub) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: not an Ed25519 key", ErrBadKey)
	}
	k.public = pub
	if !m.has("d") {
		return nil
	}
	seed := m.binary("d")
	if len(seed) != ed25519.SeedSize {
		return fmt.Errorf("%w: an Ed25519 private key of the wrong length", ErrBadKey)
	}
	return k.takePrivate(ed25519.NewKeyFromSeed(seed), nil)
}

// takePrivate keeps a private half if it belongs to the public one.
func (k *Key) takePrivate(priv crypto.Signer, err error) error {
	if err == nil && thumbprint(priv.Public()) != thumbprint(k.public) {
		err = errors.New("not a pair")
	}
	if err != nil {
		return fmt.Errorf("%w: the private half does not belong to the public one", ErrBadKey)
	}
	k.signer = func() crypto.Signer { return priv }
	return nil
}
