package traces

// dropped are the bytes that say nothing about which key a text holds, because people
// and programs put them between its parts: blanks, ends of lines, quotes, commas. NUL
// is one of them, and so text in UTF-16 is read as well.
var dropped = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || c == '"' || c == '\'' || c == '`' || c == ','
	}
	return t
}()

// plain are the bytes that normal takes over without a second look.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = !dropped[c] && c != '\\' && c != '%' && c != '+'
	}
	return t
}()

// normal appends a text to dst as if it stood in one line, without what wraps it:
// line ends, indentation, marks of comments and lists, quotes, and the escapes of JSON,
// of programming languages and of addresses (RFC 8259 §7, RFC 3986 §2.1). begins says
// that src begins a line. Where from is not nil it gets, for each byte, its place in src.
func normal(dst, src []byte, begins bool, from *[]int) []byte {
	add := func(c byte, at int) {
		if dropped[c] {
			return
		}
		dst = append(dst, c)
		if from != nil {
			*from = append(*from, at)
		}
	}
	i := 0
	if begins {
		i = lineStart(src, 0)
	}
	for i < len(src) {
		c := src[i]
		switch {
		case plain[c]:
			dst = append(dst, c)
			if from != nil {
				*from = append(*from, i)
			}
			i++
		case c == '\n':
			i = lineStart(src, i+1)
		case c == '\\':
			var as byte
			var ok bool
			at := i
			if as, i, ok = escaped(src, i); ok {
				add(as, at)
			}
		case c == '%':
			if v, ok := hexByte(src, i+1, 2); ok {
				add(v, i)
				i += 3
				continue
			}
			add(c, i)
			i++
		case c == '+' && joins(src, i):
			i++
		default:
			add(c, i)
			i++
		}
	}
	return dst
}

// lineStart is where a line's text begins: behind its indentation, and behind a mark
// of one to three signs that has a blank after it.
func lineStart(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	for n := range 4 {
		if i+n >= len(src) {
			return i
		}
		switch src[i+n] {
		case '#', '*', '>', ';', '/', '+', '-', '|':
			continue
		case ' ', '\t':
			return i + n
		}
		return i
	}
	return i
}

// escaped reads the backslashes at i and what belongs to them. ok is false where they
// stand for nothing that is kept.
func escaped(src []byte, i int) (as byte, next int, ok bool) {
	for i < len(src) && src[i] == '\\' {
		i++
	}
	if i == len(src) {
		return 0, i, false
	}
	digits := 0
	switch src[i] {
	case 'n', 'r', 't':
		return 0, i + 1, false
	case 'u':
		digits = 4
	case 'x':
		digits = 2
	}
	if v, isHex := hexByte(src, i+1, digits); isHex {
		return v, i + 1 + digits, true
	}
	return 0, i, false
}

// hexByte reads a number of hexadecimal digits that stands for one byte of ASCII.
func hexByte(src []byte, i, digits int) (byte, bool) {
	if digits == 0 || i+digits > len(src) {
		return 0, false
	}
	v := 0
	for _, c := range src[i : i+digits] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | int(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | int(c-'A'+10)
		default:
			return 0, false
		}
	}
	return byte(v), v < 0x80 //nolint:gosec // it is
}

// joins reports whether the + at i puts two texts of a program together. In UTF-16 each
// character stands beside a NUL, and a + of base64 is one of them.
func joins(src []byte, i int) bool {
	return i > 0 && src[i-1] != 0 && dropped[src[i-1]] && (i+1 == len(src) || dropped[src[i+1]])
}
