package traces

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/lazy"
)

// pieceBytes is the length of what the automaton looks for: 48 bits of base64. A piece
// is short so that a text of several lines has one whole piece in some line.
const pieceBytes = 8

// piecesOf are two neighbouring pieces of a part, those with the most different bytes,
// or one where there is no room for two; nil if it cannot be searched for.
func piecesOf(part []byte) [][]byte {
	if len(part) < leastBytes {
		return nil
	}
	size := min(len(part), 2*pieceBytes)
	best, most := 0, 0
	for i := range len(part) - size + 1 {
		var seen [256]bool
		n := 0
		for _, c := range part[i : i+size] {
			if !seen[c] {
				seen[c] = true
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	if most < leastDistinct {
		return nil
	}
	pieces := [][]byte{part[best : best+pieceBytes]}
	if size == 2*pieceBytes {
		pieces = append(pieces, part[best+pieceBytes:best+size])
	}
	return pieces
}

// encodings are the texts that must stand in a text which encodes b somewhere: hex in
// both cases, base64 in both alphabets (RFC 4648) with b at each of three offsets.
func encodings(b []byte) [][]byte {
	lower := []byte(hex.EncodeToString(b))
	all := [][]byte{lower, bytes.ToUpper(lower)}
	for offset := range 3 {
		padded := append(make([]byte, offset), b...)
		first, last := (offset*8+5)/6, len(padded)*8/6 // characters that b alone decides
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if text := []byte(e.EncodeToString(padded)[first:last]); !slices.ContainsFunc(all, func(o []byte) bool { return bytes.Equal(o, text) }) {
				all = append(all, text)
			}
		}
	}
	return all
}

// deepest is how many encodings may lie on top of each other around a key. A key in
// PEM in a Secret of Kubernetes has two.
const deepest = 3

// A looker looks for one key in a few kilobytes.
type looker struct {
	parts  []Part
	form   string
	public bool
	beside bool
}

// in decodes bytes in every way until it finds a part of the key, a secret one before
// a public one. through is what they were decoded by, the innermost first.
func (l *looker) in(data []byte, through []string) bool {
	n := normal(nil, data, true, nil)
	l.beside = l.beside || bytes.Contains(n, []byte("PRIVATEKEY-----")) || privateMember().Match(data)
	found := false
	for _, p := range l.parts {
		if (p.Text && len(through) > 0) || found && p.Public || !within(p, data, n) {
			continue
		}
		l.form, l.public, found = formOf(through), p.Public, true
		if !p.Public {
			return true
		}
	}
	if found || len(through) == deepest {
		return found
	}
	texts := [][]byte{n}
	if len(through) > 0 && !bytes.Equal(n, data) {
		texts = append(texts, data) // of bytes that were decoded, a backslash before a text is no escape
	}
	// Hex is base64, too; read as what it is it makes no noise.
	for _, d := range []struct {
		name   string
		code   lazy.Pattern
		align  int
		decode func([]byte) []byte
	}{{"hex", hexRun, 2, fromHex}, {"base64", base64Run, 4, fromBase64}} {
		for _, text := range texts {
			for _, run := range d.code().FindAll(text, -1) {
				for skip := range d.align {
					if l.in(d.decode(run[skip:]), append([]string{d.name}, through...)) {
						return true
					}
				}
			}
		}
	}
	return false
}

// within reports whether a part stands in data, of which n is the normal form. Where
// the normal form of the part is no part of it any more, the bytes themselves count.
func within(p Part, data, n []byte) bool {
	if bytes.Contains(data, p.Bytes) {
		return true
	}
	wrapped := normal(nil, p.Bytes, false, nil)
	return len(wrapped) >= leastBytes && len(wrapped)*4 >= len(p.Bytes)*3 && isText(p.Bytes) && bytes.Contains(n, wrapped)
}

func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r > '~' })
}

// formOf says how a key was read. Two layers of base64 are the most usual of several.
func formOf(through []string) string {
	if len(through) == 0 {
		return "as it stands"
	}
	return strings.Join(through, " in ")
}

var (
	hexRun        = lazy.Regexp(`[0-9a-fA-F]{16,}`)
	base64Run     = lazy.Regexp(`[A-Za-z0-9+/_-]{11,}`)
	privateMember = lazy.Regexp(`"d\\*"\s*:\s*\\*"[A-Za-z0-9_-]{20}`) // of a JWK, in JSON or in a text of JSON
)

func fromHex(run []byte) []byte {
	out := make([]byte, len(run)/2)
	n, _ := hex.Decode(out, run[:len(run)/2*2])
	return out[:n]
}

func fromBase64(run []byte) []byte {
	std := bytes.Clone(run[:len(run)/4*4+[]int{0, 0, 2, 3}[len(run)%4]])
	for i, c := range std {
		switch c {
		case '-':
			std[i] = '+'
		case '_':
			std[i] = '/'
		}
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(std)))
	n, _ := base64.RawStdEncoding.Decode(out, std)
	return out[:n]
}
