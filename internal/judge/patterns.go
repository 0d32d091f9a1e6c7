package judge

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// What it costs to say that a segment of a kind follows.
const (
	sequenceCost = 4
	repeatCost   = 4
	keyboardCost = 5
	walkOnCost   = 2 // a walk after another one
	dateCost     = 4
	constantCost = 7
	uuidCost     = 4
)

// lengthBits is the cost of a length of at least one, in a code that has no end
// (Elias 1975, gamma).
func lengthBits(n int) float64 { return 2*log2(n) + 1 }

// log2 is the logarithm of a number of at least one. Those of small numbers are
// asked for at every place of a text.
func log2(n int) float64 {
	if n < len(logs) {
		return logs[n]
	}
	return math.Log2(float64(n))
}

var logs = func() (table [128]float64) {
	for n := 1; n < len(table); n++ {
		table[n] = math.Log2(float64(n))
	}
	return table
}()

// sequences: characters that count up or down, one after another or in up to
// three lanes, such as 123456, zyx, a1b2c3 and 112233.
func (c *coverer) sequences(i int) {
	for lanes := 1; lanes <= 3; lanes++ {
		if i+2*lanes > len(c.runes) {
			return
		}
		var steps [3]int
		for k := range lanes {
			steps[k] = step(c.runes[i+k], c.runes[i+k+lanes])
		}
		if !counts(steps[:lanes]) {
			continue
		}
		bits := sequenceCost + 2*float64(lanes) - 1 // which lanes, and each one's step
		for k := range lanes {
			bits += startBits(c.runes[i+k], !c.known)
		}
		j := i + lanes
		for j < len(c.runes) && step(c.runes[j-lanes], c.runes[j]) == steps[(j-i)%lanes] {
			j++
		}
		for end := max(i+2*lanes, j-2); end <= j; end++ {
			c.take(i, end, Sequence, bits+lengthBits(end-i-1))
		}
	}
}

// counts: every lane stays or counts, and one of them counts.
func counts(steps []int) bool {
	moves := false
	for _, s := range steps {
		if s < -1 || s > 1 {
			return false
		}
		moves = moves || s != 0
	}
	return moves
}

// step is how far it is from a to b. Digits are a ring, so 0 comes after 9; so
// are letters.
func step(a, b rune) int {
	for _, ring := range [...]struct{ first, size rune }{{'0', 10}, {'a', 26}, {'A', 26}} {
		if in(a, ring.first, ring.size) && in(b, ring.first, ring.size) {
			d := (b - a + ring.size) % ring.size
			if d == ring.size-1 {
				return -1
			}
			return int(d)
		}
	}
	return int(b - a)
}

func in(r, first, size rune) bool { return r >= first && r < first+size }

// startBits is the cost of a sequence's first character: people begin at few.
func startBits(r rune, binary bool) float64 {
	switch {
	case strings.ContainsRune("01aA\x00\x01", r):
		return 3
	case r <= '~':
		return log2(95) + 0.3
	case binary:
		return 8
	}
	return 16
}

// repeats: what came before, forward or mirrored, with the same capitals or
// others.
func (c *coverer) repeats(i int) {
	if i >= manyBefore {
		if c.again == nil {
			c.again = longestAgain(c.lower)
		}
		if a := c.again[i]; a.n >= 2 {
			c.repeat(i, a.from, a.n)
		}
		return
	}
	for j := range i {
		n := 0
		for i+n < len(c.lower) && c.lower[j+n] == c.lower[i+n] {
			n++
		}
		if n >= 2 {
			c.repeat(i, j, n)
		}
		for n = 0; i+n < len(c.lower) && j-n >= 0 && c.lower[j-n] == c.lower[i+n]; {
			n++
		}
		if n >= 3 {
			c.take(i, i+n, Repeat, repeatCost+2+log2(i)+lengthBits(n-1))
		}
	}
}

func (c *coverer) repeat(i, from, n int) {
	bits := repeatCost + log2(i) + lengthBits(n-1)
	if !slices.Equal(c.runes[i:i+n], c.runes[from:from+n]) {
		bits += 2
	}
	c.take(i, i+n, Repeat, bits)
}

// manyBefore is how much of a text is searched one by one for what comes again.
// Few texts that are not full of repetitions are covered so far.
const manyBefore = 64

// An again is the longest match of a place with one before it.
type again struct{ from, n int }

// longestAgain finds all of them at once, in a time that grows with the square
// of the text and no faster.
func longestAgain(text []rune) []again {
	all := make([]again, len(text))
	n := make([]int, len(text)+1) // by j, of the pair i and j; from the row of i+1 to that of i
	for i := len(text) - 1; i > 0; i-- {
		for j := range i {
			if text[i] != text[j] {
				n[j] = 0
				continue
			}
			n[j] = n[j+1] + 1
			if n[j] > all[i].n {
				all[i] = again{j, n[j]}
			}
		}
	}
	return all
}

// dates: a year from 1900 to 2099, or a day with year, month and day in one of
// the usual orders, with or without signs between.
func (c *coverer) dates(i int) {
	const years, days = 7.7, 8.6 // bits of 200 years, and of the days of one
	if c.number(i, 4, 1900, 2099) && !c.digit(i+4) && !c.digit(i-1) {
		c.take(i, i+4, Date, dateCost+years)
	}
	for _, form := range [...]string{"YMD", "DMY", "MDY"} {
		if end := c.day(i, form); end > 0 {
			c.take(i, end, Date, dateCost+years+days+3)
		}
	}
}

// day is where a day ends that begins at i, 0 if none does.
func (c *coverer) day(i int, form string) int {
	var between rune
	for k, part := range form {
		if k > 0 && i < len(c.runes) && strings.ContainsRune("-/._ ", c.runes[i]) {
			if k == 2 && between != c.runes[i] {
				return 0
			}
			between = c.runes[i]
			i++
		}
		size, least, most := 2, 1, 12
		switch part {
		case 'Y':
			size, least, most = 4, 1900, 2099
		case 'D':
			most = 31
		}
		if !c.number(i, size, least, most) {
			return 0
		}
		i += size
	}
	return i
}

func (c *coverer) digit(i int) bool {
	return i >= 0 && i < len(c.runes) && c.runes[i] >= '0' && c.runes[i] <= '9'
}

// number: size digits at i, of a value from least to most.
func (c *coverer) number(i, size, least, most int) bool {
	value := 0
	for k := range size {
		if !c.digit(i + k) {
			return false
		}
		value = value*10 + int(c.runes[i+k]-'0')
	}
	return value >= least && value <= most
}

// separator: a sign or a blank between words. One that stood before is likely
// to come again.
func (c *coverer) separator(i int) {
	r := c.runes[i]
	if r > '~' || isAlnum(r) || unicode.IsControl(r) && !unicode.IsSpace(r) {
		return
	}
	bits := 6.5
	if k := c.ways[i].kind; k != plain && k != between {
		bits = c.separatorBits(i)
	}
	c.take(i, i+1, between, bits)
}

// separatorBits is the cost after something that has a pattern.
func (c *coverer) separatorBits(i int) float64 {
	switch {
	case slices.Contains(c.runes[:i], c.runes[i]):
		return 2
	case strings.ContainsRune("-_ .", c.runes[i]):
		return 3.5
	}
	return 6
}
