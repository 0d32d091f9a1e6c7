package say

import (
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/judge"
)

// Judged words a judge's result, a sentence for each thing that is wrong; nothing for a
// fine secret. The sentences begin with a small letter and have no full stop.
// The one about guessing comes first.
func Judged(r judge.Result) (all []string) {
	var is, holds []string
	for _, reason := range r.Reasons {
		switch text, kind := judgedBy(reason); kind {
		case judgedIs:
			is = append(is, text)
		case judgedHolds:
			holds = append(holds, text)
		default:
			all = append(all, text)
		}
	}
	if len(holds) > 0 {
		is = append(is, "it holds "+strings.Join(holds, ", "))
	}
	if len(is) == 0 {
		return all
	}
	if r.Bits <= judge.Enough && !r.Has(judge.Few) {
		is = append(is, fmt.Sprintf("it has at most %d bits of strength where a generated one has 256", r.Bits))
	}
	return append([]string{"the text can be guessed: " + strings.Join(is, "; ")}, all...)
}

// How a sentence about a reason begins.
const (
	judgedWhole = iota // it is whole
	judgedIs           // the text can be guessed: …
	judgedHolds        // … it holds …
)

// judgedBy words one reason.
func judgedBy(r judge.Reason) (string, int) {
	if text, ok := judgedPatterns[r.Code]; ok {
		return text + readAs(r.In), judgedHolds
	}
	switch r.Code {
	case judge.Known:
		if r.In == judge.AsPrivateKey {
			return "the private key is known in public (" + r.From + "): whoever has it can sign", judgedWhole
		}
		return "it is known in public" + readAs(r.In) + " (" + r.From + ")", judgedIs
	case judge.Digest:
		return "it is the plain hash of a common password" + readAs(r.In), judgedIs
	case judge.Placeholder:
		return "it is a placeholder that was never meant for use" + readAs(r.In), judgedIs
	case judge.UUID:
		return "it is a UUID" + readAs(r.In) + ", which is an id and no secret (RFC 9562 §8)", judgedIs
	case judge.Email:
		return "it is an e-mail address" + readAs(r.In), judgedIs
	case judge.Sentence:
		return "it is words as people put them together" + readAs(r.In), judgedIs
	case judge.Few:
		return fmt.Sprintf("it has too few possible values%s: at most %d bits where a generated one has 256", readAs(r.In), r.N), judgedIs
	case judge.Named:
		return "a name that stands near it" + readAs(r.In) + " (" + r.From + ")", judgedHolds
	}
	return measured(r), judgedWhole
}

// measured words the reasons that measure something.
func measured(r judge.Reason) string {
	switch r.Code {
	case judge.Small:
		return fmt.Sprintf("the text has at most %d bits of strength, less than the %d that are advised", r.N, r.Need)
	case judge.Short:
		rule := ""
		if strings.HasPrefix(r.From, "HS") {
			rule = " (RFC 7518 §3.2)"
		}
		return fmt.Sprintf("the key has %d bytes, %s needs at least %d%s", r.N, orItsUse(r.From), r.Need, rule)
	case judge.RSASize:
		return fmt.Sprintf("an RSA key of %d bits: at least %d are needed (RFC 7518 §3.3)", r.N, r.Need)
	case judge.RSAExponent:
		return fmt.Sprintf("the RSA key has the public exponent %d: %d is usual, and the least that is advised "+
			"(FIPS 186-5 §5.4)", r.N, r.Need)
	case judge.RSABroken:
		return "the RSA key has numbers that protect nothing: make a new one"
	case judge.RSAFactor:
		return fmt.Sprintf("the RSA modulus can be divided by %d, so anyone finds its primes", r.N)
	case judge.RSAClose:
		return "the primes of the RSA key are close to each other, so anyone finds them (FIPS 186-5 §A.1.3)"
	case judge.RSASmallSecret:
		return fmt.Sprintf("the private exponent of the RSA key has only %d bits, so anyone finds it: "+
			"at least %d are needed (FIPS 186-5 §A.1.1)", r.N, r.Need)
	case judge.RSAInfineon:
		return "the RSA key was made by a broken library, and its primes can be found (CVE-2017-15361)"
	}
	return string(r.Code)
}

// orItsUse names who needs a key of that size.
func orItsUse(who string) string {
	if who == "" {
		return "its use"
	}
	return who
}

// judgedPatterns name what a text holds.
var judgedPatterns = map[judge.Code]string{
	judge.Word:     "common words",
	judge.Sequence: "counted digits or letters",
	judge.Keyboard: "neighbouring keys of a keyboard",
	judge.Repeat:   "repetitions",
	judge.Date:     "a year or a date",
	judge.Constant: "digits of a constant",
}

// readAs says how a text was read where that is not as it stands.
func readAs(r judge.Reading) string {
	switch r {
	case judge.AsHex, judge.AsBase64:
		return " once it is decoded from " + string(r)
	case judge.AsPrivateKey:
		return " in its secret number"
	}
	return ""
}
