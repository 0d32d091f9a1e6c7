package judge

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/keyrotate/rotate/internal/lazy"
)

// cheapest is the cheapest description of a reading, and what it is made of;
// infinity if none is known that takes Enough bits at most.
func cheapest(r reading, near []token) (float64, []Reason) {
	c := newCoverer(r, near)
	best, reasons := c.cover(), []Reason(nil)
	if best <= c.limit {
		segments := c.row()
		reasons = c.reasons(r.how, segments, best)
		if bits := sentenceBits(segments, best, len(r.runes)); bits < best {
			best, reasons = bits, append([]Reason{{Code: Sentence, In: r.how, N: len(r.runes)}}, reasons...)
		}
	}
	if bits := fewBits(r.runes, r.binary); bits < best {
		if best > Enough {
			reasons = []Reason{{Code: Few, In: r.how, N: int(math.Ceil(bits))}}
		}
		best = bits
	}
	if best > Enough && !r.binary && isEmail(r.bytes) {
		best = emailBits
	}
	if best <= Enough && !r.binary && isEmail(r.bytes) {
		reasons = append([]Reason{{Code: Email, In: r.how, N: len(r.runes)}}, reasons...)
	}
	return best, reasons
}

func newCoverer(r reading, near []token) *coverer {
	c := &coverer{runes: r.runes, known: !r.binary, model: words(), near: near, limit: Enough}
	c.lower = make([]rune, len(r.runes))
	letters, capitals := 0, 0
	for i, x := range r.runes {
		c.lower[i] = x
		switch {
		case x >= 'a' && x <= 'z':
			letters++
		case x >= 'A' && x <= 'Z' || x > '~' && unicode.IsUpper(x):
			c.lower[i] = unicode.ToLower(x)
			capitals++
			letters++
		case x > '~' && unicode.IsLetter(x):
			letters++
		}
	}
	// Prose is letters, a third of them capitals at most, or all.
	if c.known && letters*4 >= len(r.runes)*3 && (capitals*3 <= letters || capitals == letters) {
		c.limit = max(Enough, proseMost*float64(len(r.runes)))
	}
	return c
}

const (
	// proseMost is what a character of prose costs at most, in words of the
	// list. Drawn letters cost 4.7, and of 43 of them one row in 10^9 costs 4.
	proseMost = 4

	// proseBits is what a character of a long English text costs whoever knows
	// the language: 0.6 to 1.3 (Shannon 1951). The lower end, since what people
	// take sentences from is mostly printed somewhere.
	proseBits = 0.6

	leastWords = 5
)

// sentenceBits is the cost of a row as prose, and infinity if it is none: at
// least five words, and a quarter of them are those that every sentence needs, or
// two of five are usual.
func sentenceBits(segments []segment, bits float64, runes int) float64 {
	count := map[Code]int{}
	for _, s := range segments {
		count[s.kind]++
	}
	frequent := count[function] + count[usual]
	all := frequent + count[Word]
	if all < leastWords || count[function]*4 < all && frequent*5 < all*2 || bits > proseMost*float64(runes) {
		return math.Inf(1)
	}
	return proseBits * float64(runes)
}

// reasons are the kinds of a row's segments, the one that covers most first. A
// row without any, or with little, was drawn from too few.
func (c *coverer) reasons(how Reading, segments []segment, bits float64) (all []Reason) {
	covered, patterned := map[Code]int{}, 0
	at := 0
	for _, s := range segments {
		if isWord(s.kind) {
			s.kind = Word
		}
		if s.kind != plain && s.kind != between {
			covered[s.kind] += s.to - at
			patterned += s.to - at
		}
		at = s.to
	}
	for code, n := range covered {
		all = append(all, Reason{Code: code, In: how, N: n})
	}
	slices.SortFunc(all, func(a, b Reason) int {
		if a.N != b.N {
			return b.N - a.N
		}
		return strings.Compare(string(a.Code), string(b.Code))
	})
	for i := range all {
		if all[i].Code == Named {
			all[i].From = strings.Join(c.origins(segments), ", ")
		}
	}
	if patterned*2 <= len(c.runes) {
		all = append(all, Reason{Code: Few, In: how, N: int(math.Ceil(bits))})
	}
	return all
}

// emailBits is more than there are addresses.
const emailBits = 64

var email = lazy.Regexp(`^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}$`)

func isEmail(text string) bool {
	return strings.Contains(text, "@") && email().MatchString(text)
}

// What a UUID is taken for, in bits. Versions 4 and 8 have 122; the rest say
// when or where they were made. It is less here, since ids are told to others,
// and since a few words around one make no secret of it.
const (
	uuidRandom = 100
	uuidTime   = 70 // versions 1, 2 and 6: a clock, 14 bits and a network card
	uuidOrder  = 80 // version 7: 74 random bits and a clock
)

// uuid: 8-4-4-4-12 digits of hex (RFC 9562 §4), or 32 that are the whole text
// and have a version and a variant.
func (c *coverer) uuid(i int) {
	const urn = "urn:uuid:"
	first := i
	if c.lower[i] == 'u' && len(c.lower)-i > len(urn) && string(c.lower[i:i+len(urn)]) == urn {
		i += len(urn)
	}
	text := c.lower[i:]
	if len(text) == 32 && i == 0 && isHex(text) && strings.ContainsRune("12345678", text[12]) && strings.ContainsRune("89ab", text[16]) {
		c.take(i, i+32, UUID, uuidCost+uuidBits(text[12]))
	}
	if len(text) < 36 {
		return
	}
	at := i
	for k, n := range [...]int{8, 4, 4, 4, 12} {
		if k > 0 {
			if c.lower[at] != '-' {
				return
			}
			at++
		}
		if !isHex(c.lower[at : at+n]) {
			return
		}
		at += n
	}
	c.take(first, at, UUID, uuidCost+uuidBits(text[14]))
}

func uuidBits(version rune) float64 {
	switch version {
	case '1', '2', '6':
		return uuidTime
	case '7':
		return uuidOrder
	}
	return uuidRandom
}

func isHex(text []rune) bool {
	return !slices.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}
