package say

import (
	"strings"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/status"
)

// A View is where a text is shown. The zero View is no terminal: no timeline, no
// colour, lines of any length.
type View struct {
	Width  int  // of the terminal, 0 where there is none
	Colour bool // it shows colours, and they are wanted
	Full   bool // every key is shown, however many there are
}

// How many keys are shown one by one.
const (
	manyKeys  = 50 // more are summarised
	manyWoes  = 20 // of those that need attention
	rowIndent = 13 // where the text of a row begins
)

// listed is the keys to show, and what to say of the others.
func listed(r status.Report, v View) (shown []status.Key, rest string) {
	if v.Full || len(r.Keys) <= manyKeys {
		return r.Keys, ""
	}
	woes := 0
	for _, k := range r.Keys {
		if k.Alarmed() {
			woes++
		}
	}
	shown = r.Keys[:min(woes, manyWoes)]
	var parts []string
	if n := woes - len(shown); n > 0 {
		parts = append(parts, need(Plural(n, "key")+" more", n, "attention"))
	}
	if n := len(r.Keys) - woes; n > 0 {
		parts = append(parts, need(Plural(n, "key"), n, "none"))
	}
	return shown, strings.Join(parts, ", ") + "; --full, -o json, or their names show them"
}

// A palette paints; the one without colours leaves a text as it is.
type palette struct{ next, current, previous, attention, well, dim func(string) string }

func (v View) palette() palette {
	paint := func(code string) func(string) string {
		return func(s string) string {
			if !v.Colour || s == "" {
				return s
			}
			return "\x1b[" + code + "m" + s + "\x1b[0m"
		}
	}
	return palette{next: paint("36"), current: paint("32"), previous: paint("33"), attention: paint("1;31"), well: paint("1"), dim: paint("2")}
}

// dress wraps the rows of a key's text at the width of the terminal and paints
// what needs attention, and the names of the live keys as their bars are.
func (v View) dress(text string) string {
	if v.Width == 0 {
		return text
	}
	p := v.palette()
	paint := map[string]func(string) string{
		"ATTENTION": p.attention, "warning": p.previous, "next": p.next, "current": p.current, "previous": p.previous,
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case i == 0:
			line = p.well(line)
		case strings.Contains(line, "\x1b") || drawn(line):
		default:
			wrapped := wrap(line, v.Width)
			name, _, _ := strings.Cut(strings.TrimSpace(line[:min(len(line), rowIndent)]), " ")
			if f := paint[name]; f != nil {
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
	return strings.ContainsAny(line, string([]rune{bar, dotted, nowLine, dueMark, endMark}))
}

// wrap breaks a row between words; a longer word, such as a path, stays whole.
func wrap(line string, width int) string {
	if utf8.RuneCountInString(line) <= width || len(line) <= rowIndent {
		return line
	}
	indent := strings.Repeat(" ", rowIndent)
	var b strings.Builder
	b.WriteString(line[:rowIndent])
	column, first := rowIndent, true
	for word := range strings.SplitSeq(line[rowIndent:], " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case first:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = rowIndent
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column, first = column+n, false
	}
	return b.String()
}
