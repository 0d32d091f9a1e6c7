package judge

import (
	"slices"
	"unicode"
)

// A token is a part of a name from the context, without capitals.
type token struct {
	text []rune
	from string
}

// leastToken is the length that a part of a name needs. Shorter ones are words
// of the list, or nothing.
const leastToken = 3

// tokens takes names apart: at signs, at a change from small to capital letters,
// and as a whole without signs.
func tokens(names []Name) (all []token) {
	add := func(text []rune, from string) {
		known := slices.ContainsFunc(all, func(t token) bool { return slices.Equal(t.text, text) })
		if len(text) >= leastToken && !known {
			all = append(all, token{slices.Clone(text), from})
		}
	}
	for _, n := range names {
		var part, whole []rune
		before := ' '
		for _, r := range n.Text {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r) && unicode.IsLower(before) {
				add(part, n.From)
				part = part[:0]
			}
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				part, whole = append(part, unicode.ToLower(r)), append(whole, unicode.ToLower(r))
			}
			before = r
		}
		add(part, n.From)
		add(whole, n.From)
	}
	return all
}

// nearby offers every name of the context that begins at i.
func (c *coverer) nearby(i int) {
	for _, t := range c.near {
		end := i + len(t.text)
		if end > len(c.lower) || !spells(c.lower[i:end], t.text) {
			continue
		}
		signs := 0
		for k, want := range t.text {
			if c.lower[i+k] != want {
				signs++
			}
		}
		c.take(i, end, Named, nearCost+log2(len(c.near))+leetBits(signs)+c.caseBits(i, end))
	}
}

// origins is where the names of the context stand that a row holds.
func (c *coverer) origins(segments []segment) (from []string) {
	at := 0
	for _, s := range segments {
		if s.kind == Named {
			part := c.lower[at:s.to]
			for _, t := range c.near {
				if len(t.text) == len(part) && spells(part, t.text) && !slices.Contains(from, t.from) {
					from = append(from, t.from)
					break
				}
			}
		}
		at = s.to
	}
	return from
}

// spells reports whether a part of a text can be read as a word.
func spells(part, word []rune) bool {
	for k, want := range word {
		if r := part[k]; r != want && (r > '~' || !slices.Contains(leet[r], want)) {
			return false
		}
	}
	return true
}
