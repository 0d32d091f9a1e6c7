// Package judge says how easily a secret can be guessed.
//
// It is pure: it reads no file, no clock and no network, and the same input
// has the same answer. All functions may be called from many goroutines. No
// answer holds the text or a part of it.
//
// A text is guessable if it is known in public, or if it can be described in
// at most [Enough] bits: as a row of words, dates, walks over the keyboard and
// so on, each of which costs the logarithm of how many such things there are.
// The same is asked of what the text decodes to (base64 of both kinds, hex). A
// description of B bits exists for at most a few times 2^B texts, so what a
// generator draws from 2^256 is practically never guessable. docs/judge.md
// has the figures.
package judge

//go:generate go run ./gen

import (
	"cmp"
	"math"
)

// The limits that verdicts rest on, in bits.
const (
	// Enough is what a secret has to exceed. It parts one UUID (122 bits, RFC
	// 9562 §5.4) and 16 random bytes from what a generator makes for HMAC.
	Enough = 128

	// Advice is what a secret should have: the size of the smallest hash that
	// HMAC is used with in JWTs (RFC 7518 §3.2).
	Advice = 256
)

// A Verdict is one of three answers, from the best to the worst.
type Verdict int

// The verdicts.
const (
	Fine        Verdict = iota // nothing to say
	BelowAdvice                // should be told; is no failure
	Guessable                  // must be replaced
)

// A Code names the kind of a reason. Its text stands in JSON and SARIF, and
// never changes its meaning.
type Code string

// The reasons of texts. All but Short and Small make a text Guessable.
const (
	Known       Code = "known"       // Reason.From published it
	Digest      Code = "digest"      // the plain hash of a common password
	Placeholder Code = "placeholder" // its maker marked it as not for use
	UUID        Code = "uuid"        // a UUID: unique, and not a secret (RFC 9562 §6.9 and §8)
	Email       Code = "email"       // an e-mail address
	Sentence    Code = "sentence"    // words in the order of a language
	Word        Code = "word"        // words of a list
	Named       Code = "name"        // names of Context.Names
	Sequence    Code = "sequence"    // counts up or down
	Keyboard    Code = "keyboard"    // neighbouring keys
	Repeat      Code = "repeat"      // what came before, again
	Date        Code = "date"        // a year or a day
	Constant    Code = "constant"    // digits of a constant of mathematics
	Few         Code = "few"         // drawn from too few: N bits at most
	Small       Code = "small"       // more than Enough, less than Advice: N bits
	Short       Code = "short"       // the key has N bytes, From needs Need
)

// The reasons of private keys. All but RSAExponent make a key Guessable.
const (
	RSASize        Code = "rsa-size"         // N bits, less than Need (RFC 7518 §3.3)
	RSAExponent    Code = "rsa-exponent"     // N is below Need (FIPS 186-5 §5.4)
	RSABroken      Code = "rsa-broken"       // numbers that are no RSA key, such as an exponent of 1
	RSAFactor      Code = "rsa-factor"       // N divides the modulus
	RSAClose       Code = "rsa-close"        // the primes are close to each other (FIPS 186-5 §A.1.3)
	RSASmallSecret Code = "rsa-small-secret" // the private exponent has only N bits (Wiener 1990)
	RSAInfineon    Code = "rsa-infineon"     // made by a broken library (CVE-2017-15361)
)

// A Reading is the way by which a text was read.
type Reading string

// The readings.
const (
	AsIs         Reading = "text"
	AsHex        Reading = "hex"
	AsBase64     Reading = "base64" // both alphabets, with and without padding
	AsPrivateKey Reading = "private key"
)

// A Reason is one thing that was found. It never holds a part of the secret.
type Reason struct {
	Code Code    `json:"code"`           // what was found; docs/judge.md lists the codes
	In   Reading `json:"in"`             // in which reading of the text it was found
	N    int     `json:"n,omitempty"`    // what was measured; of a pattern, the characters that it covers
	Need int     `json:"need,omitempty"` // what was asked for
	From string  `json:"from,omitempty"` // who published a known text; where a name stands; what needs more
}

// A Result is the answer about one secret.
type Result struct {
	Verdict Verdict  `json:"-"`
	Bits    int      `json:"bits"` // an upper bound of what a guesser has to go through, in bits
	Reasons []Reason `json:"reasons,omitempty"`
}

// Has reports whether a reason has the code.
func (r Result) Has(c Code) bool {
	for _, reason := range r.Reasons {
		if reason.Code == c {
			return true
		}
	}
	return false
}

// String is "fine", "below-advice" or "guessable".
func (v Verdict) String() string {
	return [...]string{"fine", "below-advice", "guessable"}[v]
}

// A Context is what surrounds a secret. Its zero value knows nothing.
type Context struct {
	// MinBytes is what the key needs at least, such as the size of its hash. 0 is
	// no such need.
	MinBytes int
	// For is what needs that, such as "HS256"; it stands in reasons.
	For string
	// KeyBytes is the size of the key if it is not the text itself.
	KeyBytes int
	// Names are words that a guesser finds near the secret.
	Names []Name
}

// A Name is a text that people make secrets from: a host, a domain, a key of the
// config, a Git remote, a module path.
type Name struct {
	Text string
	From string // such as "host name"; it stands in reasons
}

// Text judges a secret that applications read as text. It takes less than a
// millisecond for texts of usual length; the first call takes some milliseconds
// more, to unpack the list of words.
func Text(text []byte, c Context) Result {
	size := sizeOf(string(text))
	res := Result{Bits: int(math.Round(size))}
	res.guessed(string(text), c)
	if keyBytes := cmp.Or(c.KeyBytes, len(text)); keyBytes < c.MinBytes {
		res.add(Reason{Code: Short, In: AsIs, N: keyBytes, Need: c.MinBytes, From: c.For}, BelowAdvice)
	}
	if size < Advice && res.Verdict != Guessable {
		res.add(Reason{Code: Small, In: AsIs, N: int(math.Round(size)), Need: Advice}, BelowAdvice)
	}
	return res
}

// guessed looks for what makes a text guessable, in every reading. Of the
// descriptions the cheapest is told, or one that is nearly as cheap and simpler.
func (r *Result) guessed(text string, c Context) {
	names := tokens(c.Names)
	best, why := math.Inf(1), []Reason(nil)
	for _, read := range readings(text) {
		for _, reason := range published(read) {
			r.add(reason, Guessable)
		}
		bits, reasons := cheapest(read, names)
		if bits+clearer < best || bits < best && best > Enough {
			best, why = bits, reasons
		}
	}
	public := r.Has(Known) || r.Has(Digest)
	if public {
		r.Bits = min(r.Bits, publicBits)
	}
	if best > Enough {
		return
	}
	r.Bits = min(r.Bits, int(math.Ceil(best)))
	for _, reason := range why {
		if reason.Code != Few || !public {
			r.add(reason, Guessable)
		}
	}
}

// clearer is by how many bits what a text decodes to has to be cheaper than the
// text, so that it is told in place of it.
const clearer = 8

// publicBits is what it takes to try every text of a public list.
const publicBits = 20

// add notes a reason once; of the readings the first that has it is told.
func (r *Result) add(reason Reason, v Verdict) {
	r.Verdict = max(r.Verdict, v)
	for _, old := range r.Reasons {
		if old.Code == reason.Code && old.From == reason.From {
			return
		}
	}
	r.Reasons = append(r.Reasons, reason)
}
