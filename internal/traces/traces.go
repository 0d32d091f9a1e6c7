// Package traces finds keys in bytes of any kind: as they stand, encoded, wrapped, and
// encoded twice.
//
// It works in two steps. An Aho-Corasick automaton looks at every byte once, for short
// pieces of the keys in each encoding. Where one is found the neighbourhood is decoded
// and held against the whole key, so that a key which is only similar is none. What is
// found is told by place and form, never by a part of it.
package traces

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/coregx/ahocorasick"
)

// A Part is bytes by which a key is known.
type Part struct {
	Bytes  []byte
	Public bool // no secret: the public half of a pair, or a kid
	Text   bool // searched as it stands and in no other form: a kid
}

// A Hit is a place where a key was found.
type Hit struct {
	Key    int    // which of New's keys
	Line   int    // from 1
	Form   string // what it was read through: "as it stands", or "base64 in hex"
	Public bool   // only a part that is no secret
	Beside bool   // of Public: a private key stands near
}

// What is too short or too uniform would be found where it is not meant.
const (
	leastBytes    = 12 // of a part
	leastDistinct = 5  // values of bytes among the pieces of a part
)

// A Finder finds keys. It is safe for concurrent use.
type Finder struct {
	keys  [][]Part
	reach int // how far around a piece the rest of its key may be, in bytes

	text, raw *ahocorasick.Automaton // on normalised text, and on bytes as they are; nil without patterns
	textKeys  [][]int                // of each pattern
	rawKeys   [][]int
	buffers   sync.Pool
}

// New makes a Finder. unsearched are the keys of which a part that is secret cannot be
// searched for, being too short or too uniform.
func New(keys [][]Part) (f *Finder, unsearched []int, err error) {
	f = &Finder{keys: make([][]Part, len(keys)), buffers: sync.Pool{New: func() any { return new([]byte) }}}
	text, raw := patterns{}, patterns{}
	longest := 0
	for i, parts := range keys {
		for _, p := range parts {
			pieces := piecesOf(p.Bytes)
			if pieces == nil {
				if !p.Public && !slices.Contains(unsearched, i) {
					unsearched = append(unsearched, i)
				}
				continue
			}
			f.keys[i] = append(f.keys[i], p)
			longest = max(longest, len(p.Bytes))
			for _, piece := range pieces {
				n := normal(nil, piece, false, nil)
				if isText(p.Bytes) {
					text.add(i, n)
				}
				if !isText(p.Bytes) || !bytes.Equal(n, piece) {
					raw.add(i, piece)
				}
				if p.Text {
					continue
				}
				for _, once := range encodings(piece) {
					text.add(i, once)
					for _, twice := range encodings(once) {
						text.add(i, twice)
					}
				}
			}
		}
	}
	f.reach = 8*longest + 1024
	if f.text, f.textKeys, err = text.build(true); err == nil {
		f.raw, f.rawKeys, err = raw.build(false)
	}
	return f, unsearched, err
}

// patterns are texts to look for, and the keys of each.
type patterns map[string][]int

func (p patterns) add(key int, text []byte) {
	if len(text) < pieceBytes {
		return
	}
	s := string(text[:pieceBytes])
	if !slices.Contains(p[s], key) {
		p[s] = append(p[s], key)
	}
}

// build makes the automaton. It cannot fold the 256 values of raw bytes into classes.
func (p patterns) build(classes bool) (*ahocorasick.Automaton, [][]int, error) {
	if len(p) == 0 {
		return nil, nil, nil
	}
	b := ahocorasick.NewBuilder().SetByteClasses(classes)
	var keys [][]int
	for s, of := range p {
		b.AddPattern([]byte(s))
		keys = append(keys, of)
	}
	a, err := b.Build()
	return a, keys, err
}

// Scan finds the keys in some bytes, each place once, by line.
func (f *Finder) Scan(data []byte) []Hit {
	s := scan{f: f, data: data}
	if f.raw != nil {
		for _, m := range f.raw.FindAllOverlapping(data) {
			s.look(f.rawKeys[m.PatternID], m.Start)
		}
	}
	if f.text != nil {
		buf := f.buffers.Get().(*[]byte)
		*buf = normal((*buf)[:0], data, true, nil)
		if found := f.text.FindAllOverlapping(*buf); len(found) > 0 {
			var from []int
			*buf = normal((*buf)[:0], data, true, &from)
			s.done = nil
			for _, m := range found {
				s.look(f.textKeys[m.PatternID], from[m.Start])
			}
		}
		clear(*buf) // it may hold a key
		f.buffers.Put(buf)
	}
	slices.SortStableFunc(s.hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key)) })
	return s.hits
}

// A scan is one Scan on its way.
type scan struct {
	f    *Finder
	data []byte
	hits []Hit
	done map[int]int // how far each key was looked for, so that no place is looked at twice
}

// look holds the neighbourhood of a piece against the keys that have it.
func (s *scan) look(keys []int, at int) {
	for _, key := range keys {
		if end, ok := s.done[key]; ok && at < end {
			continue
		}
		lo, hi := max(0, at-s.f.reach), min(len(s.data), at+s.f.reach)
		l := looker{parts: s.f.keys[key]}
		if s.done == nil {
			s.done = map[int]int{}
		}
		s.done[key] = at + s.f.reach/2
		if !l.in(s.data[lo:hi], nil) {
			continue
		}
		hit := Hit{Key: key, Line: 1 + bytes.Count(s.data[:at], []byte("\n")), Form: l.form, Public: l.public, Beside: l.public && l.beside}
		if !slices.Contains(s.hits, hit) {
			s.hits = append(s.hits, hit)
		}
	}
}
