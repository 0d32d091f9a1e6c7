// Package rice holds sets of 64-bit hashes in little more space than a hash has
// to have for a chosen chance of error.
//
// A hash is scaled to a number below n × 2^Bits, where n is the size of the set.
// The sorted numbers are kept as differences in a Rice code (Rice 1979; a set of
// this kind is a Golomb-coded set, as in BIP 158). So Has is true for a hash
// that is not in the set with a chance of 2^-Bits, and a number takes Bits and
// about 1.5 bits more. Nothing has to be unpacked before the first look-up, and
// a look-up reads one block.
package rice

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"sort"
)

// Bits is the logarithm of the chance that a hash is found that is not there:
// 2^-34 is 5.8 in 10^11.
const Bits = 34

const (
	perBlock  = 128 // numbers
	indexSize = 12  // of a block: its first number and where its differences begin
	headSize  = 8   // of a set: how many numbers, how many bytes of differences
	padding   = 8   // bytes after the differences, so that a word can be read at each
)

// A Set is a set of hashes. It may be used from many goroutines.
type Set struct {
	n     uint64
	index string
	code  string
}

// Pack makes one text of several sets. Hashes may repeat.
func Pack(all ...[]uint64) []byte {
	var out []byte
	for _, hashes := range all {
		out = append(out, pack(hashes)...)
	}
	return out
}

func pack(hashes []uint64) []byte {
	hashes = slices.Clone(hashes)
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	n := uint64(len(hashes))
	var index []byte
	var w writer
	last := uint64(0)
	for i, h := range hashes {
		number := scale(h, n)
		if i%perBlock == 0 {
			w.align()
			index = binary.BigEndian.AppendUint64(index, number)
			index = binary.BigEndian.AppendUint32(index, uint32(len(w.out))) // #nosec G115 -- a list of passwords has no 2^32 bytes
		} else {
			w.rice(number - last)
		}
		last = number
	}
	w.out = append(w.out, make([]byte, padding)...)
	head := binary.BigEndian.AppendUint32(nil, uint32(n))          // #nosec G115 -- a list of passwords has no 2^32
	head = binary.BigEndian.AppendUint32(head, uint32(len(w.out))) // #nosec G115 -- a list of passwords has no 2^32 bytes
	return slices.Concat(head, index, w.out)
}

// scale maps a hash to a number below n × 2^Bits.
func scale(hash, n uint64) uint64 {
	hi, _ := bits.Mul64(hash, n<<Bits)
	return hi
}

// ErrDamaged is returned for what Pack has not made.
var ErrDamaged = errors.New("not sets of hashes")

// Parse finds the sets in what Pack made, without unpacking them.
func Parse(packed string) (all []Set, err error) {
	for len(packed) > 0 {
		if len(packed) < headSize {
			return nil, ErrDamaged
		}
		n, size := number32(packed), int(number32(packed[4:]))
		blocks := int((n + perBlock - 1) / perBlock)
		end := headSize + blocks*indexSize + size
		if end > len(packed) {
			return nil, ErrDamaged
		}
		code := headSize + blocks*indexSize
		all = append(all, Set{uint64(n), packed[headSize:code], packed[code:end]})
		packed = packed[end:]
	}
	return all, nil
}

// Has reports whether the set has the hash.
func (s Set) Has(hash uint64) bool {
	number := scale(hash, s.n)
	blocks := len(s.index) / indexSize
	block := sort.Search(blocks, func(b int) bool { return s.first(b) > number }) - 1
	if block < 0 {
		return false
	}
	at := s.first(block)
	r := reader{code: s.code, at: 8 * int(number32(s.index[block*indexSize+8:]))}
	left := min(perBlock, int(s.n)-block*perBlock) - 1 // #nosec G115 -- written from an int
	for ; at < number && left > 0; left-- {
		at += r.rice()
	}
	return at == number
}

func (s Set) first(block int) uint64 {
	i := s.index[block*indexSize:]
	return uint64(number32(i))<<32 | uint64(number32(i[4:]))
}

func number32(s string) uint32 {
	return uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
}

// A writer puts bits after each other, the highest first.
type writer struct {
	out  []byte
	room int // free bits of the last byte
}

func (w *writer) bit(b uint64) {
	if w.room == 0 {
		w.out, w.room = append(w.out, 0), 8
	}
	w.room--
	w.out[len(w.out)-1] |= byte(b&1) << w.room
}

func (w *writer) align() { w.room = 0 }

// rice writes the quotient by 2^Bits as that many ones and a zero, and then the
// rest.
func (w *writer) rice(d uint64) {
	for range d >> Bits {
		w.bit(1)
	}
	w.bit(0)
	for i := Bits - 1; i >= 0; i-- {
		w.bit(d >> i)
	}
}

// A reader stands between two bits of the differences.
type reader struct {
	code string
	at   int // in bits
}

// window is the next 57 bits or more, at the top of a word.
func (r *reader) window() uint64 {
	i := r.code[r.at/8:]
	if len(i) < padding {
		return 0
	}
	return (uint64(number32(i))<<32 | uint64(number32(i[4:]))) << (r.at % 8)
}

func (r *reader) rice() uint64 {
	d := uint64(0)
	w := r.window()
	ones := bits.LeadingZeros64(^w)
	for ones >= 8 { // rare: half of all differences have none
		d += 8
		r.at += 8
		w = r.window()
		ones = bits.LeadingZeros64(^w)
	}
	d += uint64(ones) // #nosec G115 -- a count
	r.at += ones + 1
	rest := w << (ones + 1) >> (64 - Bits)
	r.at += Bits
	return d<<Bits | rest
}
