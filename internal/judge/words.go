package judge

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"math"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// packedWords is a text in the format of DEFLATE: sorted lines of a word after
// a letter, 'a' and more for each doubling of its rank. gen/words.go made it,
// and data/SOURCES.md names what from.
//
//go:embed data/words.deflate
var packedWords []byte

// A model knows words, and the order of letters in them.
type model struct {
	words  []string     // sorted, and without capitals
	log    []byte       // the logarithm of each one's rank
	first  [257]int     // by byte, where the words begin that begin with it
	second [26][26]span // by two letters, the words that begin with them
	letter [27][27][27]float32
}

// A span is a part of the list.
type span struct{ from, to int }

// words is unpacked when a text is judged for the first time.
var words = sync.OnceValue(func() *model {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packedWords)))
	if err != nil {
		panic("internal/judge: data/words.deflate is damaged: " + err.Error())
	}
	n := bytes.Count(text, []byte("\n"))
	m := &model{words: make([]string, 0, n), log: make([]byte, 0, n)}
	for line := range strings.Lines(string(text)) {
		m.log = append(m.log, line[0]-'a')
		m.words = append(m.words, line[1:len(line)-1])
	}
	at := 0
	for b := range 256 {
		for at < len(m.words) && int(m.words[at][0]) < b {
			at++
		}
		m.first[b] = at
	}
	m.first[256] = len(m.words)
	for a := range m.second {
		lo, hi := m.first['a'+a], m.first['a'+a+1]
		for b := range m.second[a] {
			m.second[a][b].from, m.second[a][b].to = m.narrow(lo, hi, 1, 'a'+byte(b))
		}
	}
	m.count()
	return m
})

// index is 1 to 26 for a letter and 0 for anything else.
func index(r rune) int {
	if r >= 'a' && r <= 'z' {
		return int(r-'a') + 1
	}
	return 0
}

// count learns from the words which letter follows which two, from 26 letters
// that always can.
func (m *model) count() {
	var seen [27][27][27]float32
	for _, w := range m.words {
		a, b := 0, 0
		for _, r := range w {
			x := index(r)
			if x > 0 {
				seen[a][b][x]++
			}
			a, b = b, x
		}
	}
	const always = 0.2
	for a := range seen {
		for b := range seen[a] {
			sum := float32(0)
			for x := 1; x < 27; x++ {
				sum += seen[a][b][x] + always
			}
			for x := 1; x < 27; x++ {
				m.letter[a][b][x] = float32(math.Log2(float64(sum / (seen[a][b][x] + always))))
			}
		}
	}
}

// letterBits is the cost of a letter after two others, in a word of any
// language that the list has.
func (m *model) letterBits(before2, before, r rune) float64 {
	x := index(r)
	if x == 0 {
		return math.Inf(1)
	}
	return float64(m.letter[index(before2)][index(before)][x])
}

const (
	wordCost  = 5 // that a word follows, beside the logarithm of its rank
	nextCost  = 4 // the same after another word
	leetCost  = 2 // each sign that stands for a letter
	nearCost  = 3 // that one of the context's names follows
	firstLeet = 2 // more, for the first sign of a word
)

// wordCost is what it takes to say that a word begins at i.
func (c *coverer) wordCost(i int) float64 {
	if k := c.ways[i].kind; isWord(k) || k == Named || k == between {
		return nextCost
	}
	return wordCost
}

// words offers every word of the list that begins at i.
func (c *coverer) words(i int) {
	c.spell(speller{from: i, at: i, lo: 0, hi: len(c.model.words)})
}

// A speller stands in a text after a part of a word, and knows the words that
// go on from there.
type speller struct {
	from, at int // in the text
	depth    int // bytes of the word
	begin    byte
	lo, hi   int // of the words
	signs    int // that stood for letters
}

func (c *coverer) spell(s speller) {
	m := c.model
	if s.lo < s.hi && s.depth > 0 && len(m.words[s.lo]) == s.depth {
		bits := c.wordCost(s.from) + float64(m.log[s.lo]) + leetBits(s.signs) + c.caseBits(s.from, s.at)
		kind := Word
		switch log := m.log[s.lo]; {
		case log < 7:
			kind = function
		case log < 8:
			kind = usual
		}
		c.take(s.from, s.at, kind, bits)
		s.lo++
	}
	if s.lo >= s.hi || s.at >= len(c.runes) {
		return
	}
	r := c.lower[s.at]
	c.spell(m.next(s, r))
	if r <= '~' {
		for _, letter := range leet[r] {
			with := s
			with.signs++
			c.spell(m.next(with, letter))
		}
	}
}

// next goes on with a letter.
func (m *model) next(s speller, letter rune) speller {
	s.at++
	var buf [4]byte
	for _, b := range buf[:utf8.EncodeRune(buf[:], letter)] {
		switch {
		case s.depth == 0:
			s.lo, s.hi = m.first[b], m.first[int(b)+1]
			s.begin = b
		case s.depth == 1 && s.begin >= 'a' && s.begin <= 'z' && b >= 'a' && b <= 'z':
			s.lo, s.hi = m.second[s.begin-'a'][b-'a'].from, m.second[s.begin-'a'][b-'a'].to
		default:
			s.lo, s.hi = m.narrow(s.lo, s.hi, s.depth, b)
		}
		s.depth++
	}
	return s
}

// narrow keeps the words that have b at depth.
func (m *model) narrow(lo, hi, depth int, b byte) (int, int) {
	all := m.words[lo:hi]
	from := sort.Search(len(all), func(k int) bool { return len(all[k]) > depth && all[k][depth] >= b })
	to := from + sort.Search(len(all)-from, func(k int) bool { return all[from+k][depth] > b })
	return lo + from, lo + to
}

// leet is which letters a sign may stand for.
var leet = [127][]rune{
	'0': {'o'}, '1': {'i', 'l'}, '2': {'z'}, '3': {'e'}, '4': {'a'}, '5': {'s'}, '6': {'g'}, '7': {'t'}, '8': {'b'}, '9': {'g'},
	'@': {'a'}, '$': {'s'}, '!': {'i'}, '|': {'l', 'i'}, '+': {'t'}, '(': {'c'},
}

func leetBits(signs int) float64 {
	if signs == 0 {
		return 0
	}
	return firstLeet + leetCost*float64(signs)
}

// A style is how a word is written.
type style int

const (
	small style = iota
	capital
	shouted
	mixed
)

// styleOf tells how a part of the text is written.
func (c *coverer) styleOf(from, to int) (s style, capitals, letters int) {
	for k := from; k < to; k++ {
		if c.runes[k] != c.lower[k] {
			capitals++
		}
		if unicode.IsLetter(c.runes[k]) {
			letters++
		}
	}
	switch {
	case capitals == 0:
		return small, capitals, letters
	case capitals == letters && letters > 1:
		return shouted, capitals, letters
	case capitals == 1 && c.runes[from] != c.lower[from]:
		return capital, capitals, letters
	}
	return mixed, capitals, letters
}

// caseBits is the cost of how a word is written: mostly as the word before it,
// and the first one in small letters.
func (c *coverer) caseBits(from, to int) float64 {
	s, capitals, letters := c.styleOf(from, to)
	if before, ok := c.styleBefore(from); ok && s == before && s != mixed {
		return 0.3
	}
	switch s {
	case small:
		return 0.5
	case capital:
		return 2.5
	case shouted:
		return 3.5
	}
	return 5 + min(float64(letters), 2*log2(letters)*float64(capitals))
}

// styleBefore is the style of the word that ends before i, or before the sign
// that does.
func (c *coverer) styleBefore(i int) (style, bool) {
	if c.ways[i].kind == between {
		i = c.ways[i].from
	}
	if k := c.ways[i].kind; i == 0 || !isWord(k) && k != Named {
		return small, false
	}
	s, _, _ := c.styleOf(c.ways[i].from, i)
	return s, true
}
