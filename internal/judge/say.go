package judge

import (
	"fmt"
	"strings"
)

// Say words a result, a sentence for each thing that is wrong; nothing for a
// fine secret. The sentences begin with a small letter and have no full stop.
// The one about guessing comes first.
func Say(r Result) (all []string) {
	var is, holds []string
	for _, reason := range r.Reasons {
		switch text, kind := sayOne(reason); kind {
		case saysIs:
			is = append(is, text)
		case saysHolds:
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
	if r.Bits <= Enough && !r.Has(Few) {
		is = append(is, fmt.Sprintf("it has at most %d bits of strength where a generated one has 256", r.Bits))
	}
	return append([]string{"the text can be guessed: " + strings.Join(is, "; ")}, all...)
}

// How a sentence about a reason begins.
const (
	saysAll   = iota // it is whole
	saysIs           // the text can be guessed: …
	saysHolds        // … it holds …
)

// sayOne words one reason.
func sayOne(r Reason) (string, int) {
	if text, ok := patternWords[r.Code]; ok {
		return text + where(r.In), saysHolds
	}
	switch r.Code {
	case Known:
		if r.In == AsPrivateKey {
			return "the private key is known in public (" + r.From + "): whoever has it can sign", saysAll
		}
		return "it is known in public" + where(r.In) + " (" + r.From + ")", saysIs
	case Digest:
		return "it is the plain hash of a common password" + where(r.In), saysIs
	case Placeholder:
		return "it is a placeholder that was never meant for use" + where(r.In), saysIs
	case UUID:
		return "it is a UUID" + where(r.In) + ", which is an id and no secret (RFC 9562 §8)", saysIs
	case Email:
		return "it is an e-mail address" + where(r.In), saysIs
	case Sentence:
		return "it is words as people put them together" + where(r.In), saysIs
	case Few:
		return fmt.Sprintf("it has too few possible values%s: at most %d bits where a generated one has 256", where(r.In), r.N), saysIs
	case Named:
		return "a name that stands near it" + where(r.In) + " (" + r.From + ")", saysHolds
	}
	return saySize(r), saysAll
}

// saySize words the reasons that measure something.
func saySize(r Reason) string {
	switch r.Code {
	case Small:
		return fmt.Sprintf("the text has at most %d bits of strength, less than the %d that are advised", r.N, r.Need)
	case Short:
		rule := ""
		if strings.HasPrefix(r.From, "HS") {
			rule = " (RFC 7518 §3.2)"
		}
		return fmt.Sprintf("the key has %d bytes, %s needs at least %d%s", r.N, orIt(r.From), r.Need, rule)
	case RSASize:
		return fmt.Sprintf("an RSA key of %d bits: at least %d are needed (RFC 7518 §3.3)", r.N, r.Need)
	case RSAExponent:
		return fmt.Sprintf("the RSA key has the public exponent %d: %d is usual, and the least that is advised "+
			"(FIPS 186-5 §5.4)", r.N, r.Need)
	case RSABroken:
		return "the RSA key has numbers that protect nothing: make a new one"
	case RSAFactor:
		return fmt.Sprintf("the RSA modulus can be divided by %d, so anyone finds its primes", r.N)
	case RSAClose:
		return "the primes of the RSA key are close to each other, so anyone finds them (FIPS 186-5 §A.1.3)"
	case RSASmallSecret:
		return fmt.Sprintf("the private exponent of the RSA key has only %d bits, so anyone finds it: "+
			"at least %d are needed (FIPS 186-5 §A.1.1)", r.N, r.Need)
	case RSAInfineon:
		return "the RSA key was made by a broken library, and its primes can be found (CVE-2017-15361)"
	}
	return string(r.Code)
}

func orIt(who string) string {
	if who == "" {
		return "its use"
	}
	return who
}

// patternWords name what a text holds.
var patternWords = map[Code]string{
	Word:     "common words",
	Sequence: "counted digits or letters",
	Keyboard: "neighbouring keys of a keyboard",
	Repeat:   "repetitions",
	Date:     "a year or a date",
	Constant: "digits of a constant",
}

func where(r Reading) string {
	switch r {
	case AsHex, AsBase64:
		return " once it is decoded from " + string(r)
	case AsPrivateKey:
		return " in its secret number"
	}
	return ""
}
