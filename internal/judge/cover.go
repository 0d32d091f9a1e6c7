package judge

import (
	"math"
	"slices"
)

// A cover describes a text as a row of segments. Each has a cost in bits: the
// logarithm of how many segments of its kind there are, and of how often the
// kind is. The cheapest row is found by dynamic programming.
//
// Costs are those of a code that could be decoded: over all segments that may
// begin at a place, 2^-cost adds up to about one. That is what keeps drawn keys
// from being called guessable: of the texts with 256 random bits a share of
// about 2^-(256-B) has a description of B bits. To make a kind cheaper without
// making another one dearer breaks this.

// A segment is a part of a text that has one description.
type segment struct {
	to   int // the place after it
	kind Code
	bits float64
}

// The kinds of segments that are no reason.
const (
	plain   Code = ""  // drawn
	between Code = "," // a sign or a blank between words
)

// Words by how usual they are; all of them are told as Word.
const (
	function Code = "function" // among the first 128, like "the" and "is"
	usual    Code = "usual"    // among the first 256, or of those of made-up secrets
)

func isWord(k Code) bool { return k == Word || k == function || k == usual }

// A cell is the cheapest way to one place.
type cell struct {
	bits float64
	from int
	kind Code
}

// A coverer covers one text.
type coverer struct {
	runes []rune
	lower []rune  // without capitals
	near  []token // names of the context
	known bool    // the text is not binary: words and keyboards make sense
	model *model  // of the words
	ways  []cell  // by place: what ends there
	drawn *drawn
	limit float64
	again []again // by place, once one is asked for that has much before it
	reach int     // the last place that is reached within the limit
}

// cover finds the cheapest row. It gives up as soon as every row costs more
// than limit, and returns infinity then.
func (c *coverer) cover() float64 {
	n := len(c.runes)
	c.ways = make([]cell, n+1)
	for i := range c.ways {
		c.ways[i].bits = math.Inf(1)
	}
	c.ways[0].bits = 0
	c.drawn = newDrawn(c.runes, !c.known)
	for i := range n {
		if c.ways[i].bits <= c.limit {
			c.patterns(i)
		}
		c.drawnTo(i)
		if i >= c.reach {
			return math.Inf(1)
		}
	}
	return c.ways[n].bits
}

// patterns tries every kind of segment that may begin at i.
func (c *coverer) patterns(i int) {
	c.sequences(i)
	c.repeats(i)
	if !c.known {
		return
	}
	c.words(i)
	c.nearby(i)
	c.keyboards(i)
	c.columns(i)
	c.dates(i)
	c.constants(i)
	c.uuid(i)
	c.separator(i)
}

// take offers a segment from i to j.
func (c *coverer) take(i, j int, kind Code, bits float64) {
	total := c.ways[i].bits + bits
	if total < c.ways[j].bits {
		c.ways[j] = cell{total, i, kind}
	}
	if total <= c.limit {
		c.reach = max(c.reach, j)
	}
}

// drawnTo offers the character at i as one that was drawn from some alphabet,
// after others of the same alphabet or as the first of it.
func (c *coverer) drawnTo(i int) {
	start := c.ways[i].bits
	if i > 0 {
		start += switchCost
	}
	d := c.drawn
	for k := range d.state {
		if start < d.state[k].bits {
			d.state[k] = cell{start, i, plain}
		}
		d.state[k].bits += d.cost(k, c, i)
		s := d.state[k]
		if i+1 < len(c.runes) {
			s.bits += leaveCost
		}
		if s.bits < c.ways[i+1].bits {
			c.ways[i+1] = s
		}
		if d.state[k].bits <= c.limit {
			c.reach = max(c.reach, i+1)
		}
	}
}

// row is the cheapest row, from the start.
func (c *coverer) row() (segments []segment) {
	for at := len(c.runes); at > 0; at = c.ways[at].from {
		w := c.ways[at]
		segments = append(segments, segment{at, w.kind, w.bits - c.ways[w.from].bits})
	}
	slices.Reverse(segments)
	return segments
}

// What it costs to say that characters of some alphabet follow, and of which
// one; and that they end before the text does.
const (
	switchCost = 4
	leaveCost  = 3
)
