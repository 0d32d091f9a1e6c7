package judge

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// Characters without a pattern are taken as drawn from an alphabet: the digits,
// the letters, those of hex, and so on. Three of the alphabets are not even:
// letters in the order of languages, which the model of the words knows.

// alphabets, each with the test of whether it holds a character.
var alphabets = [...]struct {
	bits float64
	has  func(rune) bool
}{
	{math.Log2(10), func(r rune) bool { return r >= '0' && r <= '9' }},
	{4, func(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' }},
	{4, func(r rune) bool { return r >= '0' && r <= '9' || r >= 'A' && r <= 'F' }},
	{math.Log2(26), func(r rune) bool { return r >= 'a' && r <= 'z' }},
	{math.Log2(26), func(r rune) bool { return r >= 'A' && r <= 'Z' }},
	{math.Log2(36), func(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' }},
	{math.Log2(36), func(r rune) bool { return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' }},
	{math.Log2(52), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }},
	{math.Log2(62), isAlnum},
	{6, func(r rune) bool { return isAlnum(r) || r == '-' || r == '_' }},
	{6, func(r rune) bool { return isAlnum(r) || r == '+' || r == '/' }},
	{math.Log2(95), func(r rune) bool { return r >= ' ' && r <= '~' }},
}

// inAlphabets has a bit for each alphabet that holds an ASCII character.
var inAlphabets = func() (table [128]uint16) {
	for r := range table {
		for k, a := range alphabets {
			if a.has(rune(r)) {
				table[r] |= 1 << k
			}
		}
	}
	return table
}()

// The ways beside the alphabets.
const (
	wayLanguage = len(alphabets) + iota // lower-case letters in the order of a language
	wayShouted                          // the same in capitals
	wayOther                            // any character; any byte of a binary text
	ways
)

// drawn holds for each way the cheapest row that ends with it.
type drawn struct {
	state  [ways]cell
	binary bool
}

func newDrawn(runes []rune, binary bool) *drawn {
	d := &drawn{binary: binary}
	for k := range d.state {
		d.state[k].bits = math.Inf(1)
	}
	return d
}

// cost is that of the character at i.
func (d *drawn) cost(way int, c *coverer, i int) float64 {
	r := c.runes[i]
	switch way {
	case wayOther:
		return d.otherBits(r)
	case wayLanguage, wayShouted:
		return c.letterBits(i, way == wayShouted)
	}
	if r < 128 && inAlphabets[r]&(1<<way) != 0 {
		return alphabets[way].bits
	}
	return math.Inf(1)
}

// letterBits is the cost of a letter after those before it.
func (c *coverer) letterBits(i int, shouted bool) float64 {
	isUpper := c.runes[i] != c.lower[i]
	if !c.known || isUpper != shouted {
		return math.Inf(1)
	}
	at := func(j int) rune {
		if j < 0 {
			return 0
		}
		return c.lower[j]
	}
	return c.model.letterBits(at(i-2), at(i-1), c.lower[i])
}

// otherBits is the cost of a character outside of ASCII, or of a byte. No
// generator draws letters of other scripts: they are words that somebody wrote,
// and cost what a letter does whose neighbours are known.
func (d *drawn) otherBits(r rune) float64 {
	switch {
	case d.binary:
		return 8
	case r <= '~' && strings.ContainsRune(" -_.,", r):
		return 3 // between words
	case r <= '~':
		return 8
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
		return 6
	case unicode.Is(unicode.Latin, r):
		return 6
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return 3.5
	}
	return 16
}

// mostFew is how many different characters are few: with more, to name them
// takes more than what is left of Enough for as many characters.
const mostFew = 16

// fewBits describes a text by the few different characters that it is made of:
// which ones they are, and then each of them in turn. It is infinity for many.
func fewBits(runes []rune, binary bool) float64 {
	var different []rune
	for _, r := range runes {
		if slices.Contains(different, r) {
			continue
		}
		if len(different) == mostFew {
			return math.Inf(1)
		}
		different = append(different, r)
	}
	of := 95
	if binary {
		of = 256
	}
	bits := float64(len(runes)) * log2(max(len(different), 1))
	for k := range different {
		bits += log2(of-k) - log2(k+1)
	}
	return bits
}
