package intake

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// jwk takes one JWK (RFC 7517). Its dates and certificates are not looked at.
func (t *taker) jwk(n node, alone bool) (keyset.Key, error) {
	if err := purpose(n); err != nil {
		return keyset.Key{}, err
	}
	kid := n.textOf("kid")
	switch {
	case kid != "" && (len(kid) > maxKid || !keyset.ValidKid(kid)):
		return keyset.Key{}, &Refusal{Code: BadKid}
	case alone && kid == "":
		kid = t.ask.Kid
	case alone && t.ask.Kid != "" && t.ask.Kid != kid:
		return keyset.Key{}, &Refusal{Code: OtherKid, Kids: []string{kid}}
	}
	for _, name := range []string{"nbf", "exp", "iat"} {
		if _, ok := n.member(name); ok {
			t.once(Note{Code: DatesIgnored})
		}
	}
	alg := keyset.Algorithm(n.textOf("alg"))
	if alg != "" && !alg.Known() {
		return keyset.Key{}, &Refusal{Code: UnknownAlgorithm, Name: shownName(string(alg))}
	}
	if n.textOf("kty") == "oct" {
		return t.oct(n, kid, alg)
	}
	return t.pairOf(n, kid, alg)
}

// encryptionNames are the algorithms of RFC 7518 §4 and §5, which sign nothing.
var encryptionNames = lazy.Regexp(`^(RSA-OAEP|RSA1_5|ECDH-ES|A(128|192|256)(GCM|CBC|KW)|PBES2|dir$)`)

// purpose refuses keys that are not for signatures (RFC 7517 §4.2, §4.3), by
// their use, their operations or their algorithm.
func purpose(n node) error {
	use := n.textOf("use")
	if use != "" && use != "sig" {
		return &Refusal{Code: NotForSigning, Name: "use: " + shownName(use), Kids: kidsIn(n)}
	}
	if ops, ok := n.member("key_ops"); ok && ops.kind == aList {
		signs := slices.ContainsFunc(ops.members, func(op node) bool { return op.text == "sign" || op.text == "verify" })
		if !signs && len(ops.members) > 0 {
			return &Refusal{Code: NotForSigning, Name: "key_ops without sign and verify", Kids: kidsIn(n)}
		}
	}
	if alg := n.textOf("alg"); encryptionNames().MatchString(alg) {
		return &Refusal{Code: NotForSigning, Name: "alg: " + alg, Kids: kidsIn(n)}
	}
	if crv := n.textOf("crv"); crv == "X25519" || crv == "X448" {
		return &Refusal{Code: NotForSigning, Name: "crv: " + crv, Kids: kidsIn(n)}
	}
	return nil
}

func kidsIn(n node) []string {
	if kid := n.textOf("kid"); len(kid) <= maxKid && keyset.ValidKid(kid) {
		return []string{kid}
	}
	return nil
}

// oct takes a symmetric JWK: its bytes, which applications that read a text
// decode from base64url.
func (t *taker) oct(n node, kid string, alg keyset.Algorithm) (keyset.Key, error) {
	if alg == "" {
		if alg = t.ask.Spec.Algorithm; alg == "" {
			alg = keyset.HS256
			t.once(Note{Code: GuessedText, Name: string(alg)})
		}
	}
	material, err := base64.RawURLEncoding.Strict().DecodeString(n.textOf("k"))
	switch {
	case !alg.Symmetric():
		return keyset.Key{}, &Refusal{Code: NeedsPair, Name: string(alg)}
	case err != nil || len(material) == 0:
		return keyset.Key{}, &Refusal{Code: BadJWK, Members: []string{"k"}, Kids: kidsIn(n)}
	case len(material) > maxText:
		return keyset.Key{}, &Refusal{Code: TooLarge, Have: len(material), Want: maxText}
	}
	if kid == "" {
		kid = t.drawnKid()
	}
	k, err := keyset.AdoptSymmetric(kid, alg, secret.New(material), keyset.Base64URL)
	if err != nil {
		return k, &Refusal{Code: Unusable}
	}
	t.once(Note{Code: DecodedBytes})
	return k, nil
}

// pairOf takes a JWK of RSA, EC or OKP.
func (t *taker) pairOf(n node, kid string, alg keyset.Algorithm) (keyset.Key, error) {
	key, err := parsePair(n)
	if err != nil {
		return keyset.Key{}, err
	}
	signer, private := key.(crypto.Signer)
	public := key
	if private {
		public = signer.Public()
	}
	if alg == "" {
		if alg, err = t.algorithmOf(public); err != nil {
			return keyset.Key{}, err
		}
	}
	if private {
		return t.pair(kid, alg, signer)
	}
	k, err := keyset.AdoptPublic(kid, alg, public)
	if err != nil {
		return k, &Refusal{Code: OtherAlgorithm, Name: kindOfKey(public), Members: []string{string(alg)}}
	}
	return k, t.length(k.Kid, public)
}

// parsePair reads the members of one key pair, or of its public half.
func parsePair(n node) (any, error) {
	clean := map[string]string{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"} {
		if v := n.textOf(name); v != "" {
			clean[name] = v
		}
	}
	if _, more := n.member("oth"); more {
		return nil, &Refusal{Code: UnknownKey, Kind: "an RSA key of more than two primes", Kids: kidsIn(n)}
	}
	if clean["kty"] == "RSA" && clean["d"] != "" && (clean["p"] == "" || clean["q"] == "") {
		return privateOfExponent(n, clean)
	}
	data, err := json.Marshal(clean)
	if err != nil {
		return nil, &Refusal{Code: BadJWK, Kids: kidsIn(n)}
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(data); err != nil { // its error could quote a member
		if closeInJWK(clean) {
			return nil, &Refusal{Code: ClosePrimes, Kids: kidsIn(n)}
		}
		return nil, unread(n, clean)
	}
	if !belongs(parsed.Key, clean["d"]) {
		return nil, &Refusal{Code: BadJWK, Members: []string{"d"}, Kids: kidsIn(n)}
	}
	if public := publicOf(parsed.Key); common(public) == "" {
		return nil, unread(n, clean)
	}
	return parsed.Key, nil
}

// unread names the kind of a key that cannot be read, or what is missing.
func unread(n node, members map[string]string) *Refusal {
	needs := map[string][]string{"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}[members["kty"]]
	var missing []string
	for _, name := range needs {
		if members[name] == "" {
			missing = append(missing, name)
		}
	}
	curves := []string{"", "P-256", "P-384", "P-521", "Ed25519"}
	if needs == nil || !slices.Contains(curves, members["crv"]) {
		return &Refusal{Code: UnknownKey, Kind: "a JWK of the kind " + shownName(members["kty"]+" "+members["crv"]), Kids: kidsIn(n)}
	}
	return &Refusal{Code: BadJWK, Members: missing, Kids: kidsIn(n)}
}

func publicOf(key any) crypto.PublicKey {
	if signer, ok := key.(crypto.Signer); ok {
		return signer.Public()
	}
	return key
}

// belongs reports whether a private half, the JWK's member d, is that of its public
// one. The RSA keys were checked as they were read.
func belongs(key any, member string) bool {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		d, err := base64.RawURLEncoding.DecodeString(member)
		size := (key.Params().N.BitLen() + 7) / 8
		if err != nil || len(d) > size {
			return false
		}
		again, err := ecdsa.ParseRawPrivateKey(key.Curve, append(make([]byte, size-len(d)), d...))
		return err == nil && again.PublicKey.Equal(&key.PublicKey)
	case ed25519.PrivateKey:
		return len(key) == ed25519.PrivateKeySize && bytes.Equal(ed25519.NewKeyFromSeed(key.Seed()), key)
	}
	return true
}

// privateOfExponent finds the primes of an RSA key that has only n, e and d
// (RFC 7518 §6.3.2 allows that): NIST SP 800-56B, appendix C.
func privateOfExponent(n node, members map[string]string) (any, error) {
	bad := &Refusal{Code: BadJWK, Members: []string{"n", "e", "d"}, Kids: kidsIn(n)}
	var v [3]*big.Int
	for i, name := range []string{"n", "e", "d"} {
		b, err := base64.RawURLEncoding.DecodeString(members[name])
		if err != nil || len(b) == 0 || len(b) > 1024 {
			return nil, bad
		}
		v[i] = new(big.Int).SetBytes(b)
	}
	modulus, e, d := v[0], v[1], v[2]
	if e.BitLen() > 31 || e.Sign() == 0 {
		return nil, bad
	}
	p := factor(modulus, new(big.Int).Sub(new(big.Int).Mul(d, e), big.NewInt(1)))
	if p == nil {
		return nil, bad
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: modulus, E: int(e.Int64())}, D: d,
		Primes: []*big.Int{p, new(big.Int).Div(modulus, p)},
	}
	key.Precompute()
	if key.Validate() != nil {
		return nil, bad
	}
	return key, nil
}

// factor finds a prime factor of n, where k is a multiple of the order of all
// elements; nil if k is not.
func factor(n, k *big.Int) *big.Int {
	one := big.NewInt(1)
	if k.Sign() <= 0 || n.Sign() <= 0 || k.Bit(0) != 0 || n.Bit(0) == 0 {
		return nil
	}
	twos := k.TrailingZeroBits()
	odd := new(big.Int).Rsh(k, twos)
	last := new(big.Int).Sub(n, one)
	for base := int64(2); base < 100; base++ {
		x := new(big.Int).Exp(big.NewInt(base), odd, n)
		for range twos {
			y := new(big.Int).Mod(new(big.Int).Mul(x, x), n)
			if y.Cmp(one) == 0 && x.Cmp(one) != 0 && x.Cmp(last) != 0 {
				return new(big.Int).GCD(nil, nil, new(big.Int).Sub(x, one), n)
			}
			x = y
		}
	}
	return nil
}

// shownName is a name from a document, if it is fit to be shown.
func shownName(s string) string {
	if len(s) <= 32 && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' || c > '~' }) {
		return s
	}
	return fmt.Sprintf("one of %d bytes", len(s))
}
