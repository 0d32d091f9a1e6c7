package judge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"math"
	"math/big"
	"sync"
)

// PrivateKey judges a private key of RSA, of an elliptic curve or of Ed25519.
// Others are Fine. It takes up to some milliseconds for RSA, and one more in the
// first call. Bits is an upper bound: the size of an RSA modulus, or of the
// secret number.
func PrivateKey(key crypto.Signer) Result {
	var res Result
	switch k := key.(type) {
	case *rsa.PrivateKey:
		res = rsaPublic(&k.PublicKey)
		res.rsaPrivate(k)
	case *ecdsa.PrivateKey:
		if b, err := k.Bytes(); err == nil {
			res.secretNumber(b)
		}
	case ed25519.PrivateKey:
		res.secretNumber(k.Seed())
	default:
		return res
	}
	res.published(key.Public())
	return res
}

// PublicKey judges an RSA key by what everybody knows of it: its size and
// exponent, small factors, primes that are close to each other, and
// keys that others have published.
func PublicKey(key *rsa.PublicKey) Result {
	res := rsaPublic(key)
	res.published(key)
	return res
}

// published looks for a key that is printed somewhere.
func (r *Result) published(public crypto.PublicKey) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err == nil && knownSets()[setKeys].Has(KnownHash(KindBytes, string(der))) {
		r.add(Reason{Code: Known, In: AsPrivateKey, From: FromKeys}, Guessable)
		r.Bits = min(r.Bits, publicBits)
	}
}

// secretNumber judges the secret of a curve: a text that somebody put there, or
// a small number, is a pattern of its bytes.
func (r *Result) secretNumber(secret []byte) {
	r.Bits = 8 * len(secret)
	number := read(string(secret), AsPrivateKey)
	number.binary = false
	for _, binary := range []bool{false, true} {
		if number.binary = binary; !binary && !isText(number.bytes) {
			continue
		}
		bits, reasons := cheapest(number, nil)
		if bits > Enough {
			continue
		}
		r.Bits = min(r.Bits, int(math.Ceil(bits)))
		for _, reason := range reasons {
			r.add(reason, Guessable)
		}
	}
}

const (
	leastRSA      = 2048  // RFC 7518 §3.3
	leastExponent = 65537 // FIPS 186-5 §5.4: 2^16 < e < 2^256
)

func rsaPublic(key *rsa.PublicKey) Result {
	n := key.N
	res := Result{Bits: n.BitLen()}
	if n.BitLen() < leastRSA {
		res.add(Reason{Code: RSASize, In: AsPrivateKey, N: n.BitLen(), Need: leastRSA}, Guessable)
	}
	switch {
	case key.E < 3 || key.E%2 == 0 || n.Sign() <= 0:
		res.add(Reason{Code: RSABroken, In: AsPrivateKey}, Guessable)
		return res
	case key.E < leastExponent:
		res.add(Reason{Code: RSAExponent, In: AsPrivateKey, N: key.E, Need: leastExponent}, BelowAdvice)
	}
	if f := smallFactor(n); f > 0 {
		res.add(Reason{Code: RSAFactor, In: AsPrivateKey, N: f}, Guessable)
	} else if closePrimes(n) {
		res.add(Reason{Code: RSAClose, In: AsPrivateKey}, Guessable)
	}
	if fromInfineon(n) {
		res.add(Reason{Code: RSAInfineon, In: AsPrivateKey}, Guessable)
	}
	return res
}

// rsaPrivate judges what only the owner knows.
func (r *Result) rsaPrivate(key *rsa.PrivateKey) {
	bits := key.N.BitLen()
	// Who knows e and n finds a d below n^0.292 (Boneh and Durfee 1999). FIPS
	// 186-5 §A.1.1 wants more than half of the bits.
	if d := key.D.BitLen(); d <= bits/2 {
		r.add(Reason{Code: RSASmallSecret, In: AsPrivateKey, N: d, Need: bits/2 + 1}, Guessable)
	}
	if len(key.Primes) != 2 {
		return
	}
	// FIPS 186-5 §A.1.3: |p - q| > 2^(bits/2 - 100).
	apart := new(big.Int).Sub(key.Primes[0], key.Primes[1])
	if apart.BitLen() <= bits/2-100 {
		r.add(Reason{Code: RSAClose, In: AsPrivateKey}, Guessable)
	}
}

// primes are those below 65,536.
var primes = sync.OnceValue(func() []int {
	const below = 1 << 16
	var all []int
	composite := make([]bool, below)
	for i := 2; i < below; i++ {
		if composite[i] {
			continue
		}
		all = append(all, i)
		for j := i * i; j < below; j += i {
			composite[j] = true
		}
	}
	return all
})

// smallFactor is the smallest prime factor below 65,536, 0 if there is none.
// It divides by the product of as many primes as fit into a word at a time.
func smallFactor(n *big.Int) int {
	all := primes()
	rest, word := new(big.Int), new(big.Int)
	for i := 0; i < len(all); {
		product, j := uint64(1), i
		for j < len(all) && product <= math.MaxUint64/uint64(all[j]) { // #nosec G115 -- primes
			product *= uint64(all[j]) // #nosec G115 -- primes
			j++
		}
		left := rest.Mod(n, word.SetUint64(product)).Uint64()
		for _, p := range all[i:j] {
			if left%uint64(p) == 0 && n.Cmp(big.NewInt(int64(p))) != 0 { // #nosec G115 -- primes
				return p
			}
		}
		i = j
	}
	return 0
}

// fermatSteps is how far Fermat's method is tried. 100 finds all keys of this
// kind that were met in use (Böck 2023).
const fermatSteps = 100

// closePrimes looks for a and b with n = a² - b², where a is close to the root.
func closePrimes(n *big.Int) bool {
	one := big.NewInt(1)
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, one)
	}
	for range fermatSteps {
		rest := new(big.Int).Mul(a, a)
		rest.Sub(rest, n)
		b := new(big.Int).Sqrt(rest)
		if new(big.Int).Mul(b, b).Cmp(rest) == 0 {
			return true
		}
		a.Add(a, one)
	}
	return false
}

// fromInfineon finds keys of the library of CVE-2017-15361: modulo each small
// prime they are a power of 65537 (Nemec and others 2017, "The Return of
// Coppersmith's Attack", §3). A sound key passes for one with a chance of about
// 2^-27.
func fromInfineon(n *big.Int) bool {
	for _, p := range [...]int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		left := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power := int64(1)
		for power != left {
			if power = power * (65537 % p) % p; power == 1 {
				return false
			}
		}
	}
	return true
}
