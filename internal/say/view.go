package say

import (
	"strings"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/status"
)

// A View is where a text is shown, and how much of it. The zero View is no terminal: no timeline, no colour, lines of any
// length.
type View struct {
	Width  int  // of the terminal, 0 where there is none
	Colour bool // it shows colours, and they are wanted
	Long   bool // all that is known of each key
	Full   bool // every key has a line, however many there are
	Sorted bool // the keys stand in an order that was asked for: of very many the first are shown
}

const rowIndent = 13 // where the text of a row begins

// A paint colours a text, or leaves it as it is.
type paint func(string) string

// A palette has the paints of a view.
type palette struct{ next, current, previous, attention, strong, dim paint }

func (v View) palette() palette {
	with := func(code string) paint {
		return func(s string) string {
			if !v.Colour || s == "" {
				return s
			}
			return "\x1b[" + code + "m" + s + "\x1b[0m"
		}
	}
	return palette{next: with("36"), current: with("32"), previous: with("33"), attention: with("1;31"), strong: with("1"), dim: with("2")}
}

// state is the paint of how a key is: red where nothing goes on, yellow where nobody can tell, work is late or a person
// should look, cyan while a rotation is under way, green where all is well.
func (p palette) state(k status.Key) paint {
	switch {
	case k.State == status.Halted, k.State == status.Unreachable:
		return p.attention
	case k.Alarmed():
		return p.previous
	case k.State == status.Rotating:
		return p.next
	}
	return p.current
}

// dress wraps the rows of a text at the width of the terminal and paints them: the heading as it is asked for, what needs
// attention, and the names of the live keys as their bars are.
func (v View) dress(text string, heading paint) string {
	p := v.palette()
	named := map[string]paint{
		"ATTENTION": p.attention, "warning": p.previous, "next": p.next, "current": p.current, "previous": p.previous,
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case i == 0:
			line = heading(line)
		case strings.Contains(line, "\x1b") || drawn(line):
		default:
			wrapped := wrap(line, v.Width, rowIndent)
			name := strings.TrimSpace(line[:min(len(line), rowIndent)])
			if f := named[name]; f != nil {
				wrapped = strings.Replace(wrapped, name, f(name), 1)
			}
			line = wrapped
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// drawn tells whether a line is part of a timeline, which has its width already.
func drawn(line string) bool {
	return strings.ContainsAny(line, string([]rune{signing, verifying, published, nowLine, dueMark, endMark}))
}

// wrap breaks a line between words, and indents what follows; what stands before the indent stays whole, and so does a
// longer word, such as a path. No width breaks nothing.
func wrap(line string, width, indent int) string {
	if width == 0 || utf8.RuneCountInString(line) <= width || len(line) <= indent {
		return line
	}
	var b strings.Builder
	b.WriteString(line[:indent])
	column, first := indent, true
	for word := range strings.SplitSeq(line[indent:], " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case first:
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column, first = column+n, false
	}
	return b.String()
}
