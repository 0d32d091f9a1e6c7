package judge

import (
	"strings"
	"sync"
)

// keyboardCost is what it takes to say that a walk begins at i: less after another one.
func (c *coverer) keyboardCost(i int) float64 {
	if c.ways[i].kind == Keyboard {
		return walkOnCost
	}
	return keyboardCost
}

// keyboards: three or more keys, each beside the one before it or the same. To
// go on in one direction is cheap, to turn is not.
func (c *coverer) keyboards(i int) {
	for _, k := range layouts() {
		at, ok := k.key(c.runes[i])
		if !ok {
			continue
		}
		bits := c.keyboardCost(i) + 2 + log2(48) // the layout and the first key
		var dir, lastDir spot
		for j := i + 1; j < len(c.runes); j++ {
			next, ok := k.key(c.runes[j])
			if !ok {
				break
			}
			dir = spot{next.x - at.x, next.y - at.y, false}
			if !beside(dir) {
				break
			}
			switch {
			case j == i+1:
				bits += log2(9)
			case dir == lastDir:
				bits += 0.4 // goes on: three of four times
			default:
				bits += 2 + log2(9)
			}
			if next.shift != at.shift {
				bits += 3
			} else {
				bits += 0.2
			}
			at, lastDir = next, dir
			if j-i >= 2 {
				c.take(i, j+1, Keyboard, bits+1.5)
			}
		}
	}
}

// columns: a few keys, and then the same moved over the keyboard again and again,
// such as 1qaz2wsx3edc.
func (c *coverer) columns(i int) {
	if i+3 >= len(c.runes) {
		return
	}
	for _, k := range layouts() {
		for period := 2; period <= 5 && i+2*period <= len(c.runes); period++ {
			first, ok := k.key(c.runes[i])
			last, ok2 := k.key(c.runes[i+period])
			if !ok || !ok2 {
				break
			}
			move := spot{last.x - first.x, last.y - first.y, false}
			if move == (spot{}) || move.x < -4 || move.x > 4 || move.y < -1 || move.y > 1 {
				continue
			}
			j := i
			for j+period < len(c.runes) && k.moved(c.runes[j], c.runes[j+period], move) {
				j++
			}
			if end := j + period; end >= i+2*period {
				// The layout, the period, how far it moves, and the first keys.
				bits := c.keyboardCost(i) + 2 + 2 + log2(27) + float64(period)*log2(48)
				c.take(i, end, Keyboard, bits+lengthBits(end-i-2*period+1))
			}
		}
	}
}

// moved reports whether a move takes one key to the other.
func (l *layout) moved(from, to rune, move spot) bool {
	a, ok := l.key(from)
	b, ok2 := l.key(to)
	return ok && ok2 && b.x-a.x == move.x && b.y-a.y == move.y
}

// A spot is where a key is, in half widths of a key, since rows are staggered.
type spot struct {
	x, y  int
	shift bool
}

// beside: the same key, or one that touches it.
func beside(d spot) bool {
	switch d.y {
	case 0:
		return d.x >= -2 && d.x <= 2
	case 1, -1:
		return d.x >= -2 && d.x <= 2
	}
	return false
}

// A layout holds where the characters are; those of ASCII at hand.
type layout struct {
	ascii [128]spot
	on    [128]bool
	other map[rune]spot
}

func (l *layout) key(r rune) (spot, bool) {
	if r < 128 {
		return l.ascii[r&127], l.on[r&127]
	}
	s, ok := l.other[r]
	return s, ok
}

func (l *layout) put(r rune, s spot) {
	switch _, ok := l.key(r); {
	case ok:
	case r < 128:
		l.ascii[r], l.on[r] = s, true
	default:
		l.other[r] = s
	}
}

// layouts are QWERTY (US), QWERTZ (German), AZERTY (French) and the block of
// digits, each with its rows without shift and with it.
var layouts = sync.OnceValue(func() []*layout {
	return []*layout{
		newLayout("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./",
			"~!@#$%^&*()_+", "QWERTYUIOP{}|", `ASDFGHJKL:"`, "ZXCVBNM<>?"),
		newLayout("^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-",
			`°!"§$%&/()=?`, "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", "YXCVBNM;:_"),
		newLayout("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!",
			"~1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", "WXCVBN?./§"),
		newBlock("789", "456", "123", "0"),
	}
})

// newLayout: the row of digits begins one key to the left of the others.
func newLayout(rows ...string) *layout {
	l := &layout{other: map[rune]spot{}}
	for i, row := range rows {
		y := i % 4
		for x, r := range []rune(row) {
			begin := y + 1
			if y == 0 {
				begin = 0
			}
			l.put(r, spot{begin + 2*x, y, i >= 4})
		}
	}
	return l
}

// newBlock has its keys straight below each other.
func newBlock(rows ...string) *layout {
	l := &layout{other: map[rune]spot{}}
	for y, row := range rows {
		for x, r := range strings.TrimSpace(row) {
			l.put(r, spot{2 * x, y, false})
		}
	}
	return l
}
