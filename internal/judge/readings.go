package judge

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A reading is a text, or what a text decodes to.
type reading struct {
	how    Reading // the outermost way
	bytes  string
	binary bool   // not text: each byte counts by itself
	runes  []rune // of bytes; their values if binary
}

// deepest is how often something may be encoded on top of another.
const deepest = 3

// readings are the text and everything that it decodes to. Nothing that is
// shorter than 4 bytes is taken for encoded.
func readings(text string) []reading {
	all := []reading{read(text, AsIs)}
	at := 0
	for range deepest {
		for end := len(all); at < end; at++ {
			for _, d := range decoded(all[at].bytes) {
				how := d.how
				if all[at].how != AsIs {
					how = all[at].how
				}
				all = append(all, read(d.bytes, how))
			}
		}
	}
	return all
}

func read(text string, how Reading) reading {
	r := reading{how: how, bytes: text, binary: !isText(text)}
	if r.binary {
		for i := range len(text) {
			r.runes = append(r.runes, rune(text[i]))
		}
		return r
	}
	r.runes = []rune(text)
	return r
}

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) })
}

type decoding struct {
	how   Reading
	bytes string
}

// decoded is what the text decodes to as hex and as base64. White space at its
// ends and a prefix "base64:" (Laravel's) or "0x" are not part of the code.
func decoded(text string) (all []decoding) {
	text = strings.TrimSpace(text)
	text = strings.TrimPrefix(text, "base64:")
	hexed := strings.TrimPrefix(text, "0x")
	if b, err := hex.DecodeString(hexed); err == nil && len(b) >= 4 {
		all = append(all, decoding{AsHex, string(b)})
	}
	code := strings.TrimRight(text, "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(code, "-_") {
		enc = base64.RawURLEncoding
	}
	if b, err := enc.DecodeString(code); err == nil && len(b) >= 4 && !strings.ContainsAny(code, "\r\n") {
		all = append(all, decoding{AsBase64, string(b)})
	}
	return all
}

// sizeOf is how many bits a generator drew at most, going by the form of the
// text alone.
func sizeOf(text string) float64 {
	n := float64(utf8.RuneCountInString(text))
	if b, err := hex.DecodeString(text); err == nil {
		return 8 * float64(len(b))
	}
	has := func(set func(rune) bool) bool { return strings.ContainsFunc(text, set) }
	digit := has(func(r rune) bool { return r >= '0' && r <= '9' })
	lower := has(func(r rune) bool { return r >= 'a' && r <= 'z' })
	upper := has(func(r rune) bool { return r >= 'A' && r <= 'Z' })
	other := has(func(r rune) bool { return !isAlnum(r) })
	switch {
	case has(func(r rune) bool { return r < ' ' || r > '~' }):
		return 8 * float64(len(text))
	case has(func(r rune) bool { return !isAlnum(r) && !strings.ContainsRune("+/-_=", r) }):
		return n * math.Log2(95)
	case lower && upper || other:
		return base64Bits(text)
	case digit && !lower && !upper:
		return n * math.Log2(10)
	case digit:
		return n * math.Log2(36)
	}
	return n * math.Log2(26)
}

// base64Bits counts letters of both cases, digits and the signs of base64. What
// decodes holds whole bytes: 43 characters are 32 of them.
func base64Bits(text string) float64 {
	code := strings.TrimRight(text, "=")
	bits := float64(len(code)) * 6
	if whole := float64(len(code) * 6 / 8 * 8); len(code)%4 != 1 {
		return whole
	}
	return bits
}

func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// Readings are a text and everything that it decodes to, as hex and as base64, up to
// three deep. Each is one way in which programs may hold the same key.
func Readings(text []byte) (all [][]byte) {
	for _, r := range readings(string(text)) {
		all = append(all, []byte(r.bytes))
	}
	return all
}
