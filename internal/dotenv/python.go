package dotenv

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/lazy"
)

// python models python-dotenv: a small parser with backslashes that escape in
// both kinds of quotes, and ${NAME} that is replaced in all values, whatever
// their quotes.
func python(file string) (variables, error) {
	if !utf8.ValidString(file) {
		return nil, errRefused // it decodes strictly
	}
	file = strings.ReplaceAll(strings.ReplaceAll(file, "\r\n", "\n"), "\r", "\n") // as it opens text files
	p := &pythonParser{rest: strings.TrimPrefix(file, "\ufeff")}
	vars := variables{}
	for p.rest != "" {
		switch name, value, ok := p.binding(); {
		case !ok || name == "":
		case value == pythonUnset: // a name alone takes its value away
			delete(vars, name)
		default:
			vars[name] = reading{value, pythonVariable().MatchString(value)}
		}
	}
	return vars, nil
}

var pythonVariable = lazy.Regexp(`\$\{[^\}:]*(?::-[^\}]*)?\}`)

type pythonParser struct{ rest string }

// binding takes one statement; ok is false where it sets nothing.
func (p *pythonParser) binding() (name, value string, ok bool) {
	p.skip(isPySpace)
	if p.rest == "" {
		return "", "", false
	}
	if after, found := strings.CutPrefix(p.rest, "export"); found && strings.TrimLeftFunc(after, isPyBlank) != after {
		p.rest = strings.TrimLeftFunc(after, isPyBlank)
	}
	name, value, ok = p.assignment()
	if !ok || !p.end() { // it goes on after the line that it has come to
		_, p.rest, _ = strings.Cut(p.rest, "\n")
		return "", "", false
	}
	return name, value, true
}

// pythonUnset stands for a name without =, which has no value.
const pythonUnset = "\x00unset"

func (p *pythonParser) skip(f func(rune) bool) { p.rest = strings.TrimLeftFunc(p.rest, f) }

func (p *pythonParser) assignment() (name, value string, ok bool) {
	switch {
	case strings.HasPrefix(p.rest, "#"):
		value = pythonUnset
	case strings.HasPrefix(p.rest, "'"):
		end := strings.IndexByte(p.rest[1:], '\'')
		if end < 1 {
			return "", "", false
		}
		name, p.rest = p.rest[1:1+end], p.rest[end+2:]
	default:
		end := strings.IndexFunc(p.rest, func(r rune) bool { return r == '=' || r == '#' || isPySpace(r) })
		if end < 0 {
			end = len(p.rest)
		}
		if end == 0 {
			return "", "", false
		}
		name, p.rest = p.rest[:end], p.rest[end:]
	}
	p.skip(isPyBlank)
	after, found := strings.CutPrefix(p.rest, "=")
	if !found {
		return name, pythonUnset, true
	}
	p.rest = strings.TrimLeftFunc(after, isPyBlank)
	if p.rest != after && strings.HasPrefix(p.rest, "#") {
		return name, "", true
	}
	value, ok = p.value()
	return name, value, ok
}

// pythonEscapes are the letters after a backslash that stand for something else.
var pythonEscapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

func (p *pythonParser) value() (string, bool) {
	if p.rest == "" || p.rest[0] == '\n' {
		return "", true
	}
	quote := p.rest[0]
	if quote != '\'' && quote != '"' {
		line, rest, more := strings.Cut(p.rest, "\n")
		p.rest = ""
		if more {
			p.rest = "\n" + rest
		}
		return strings.TrimRightFunc(cutPyComment(line), isPySpace), true
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == quote {
			p.rest = p.rest[i+1:]
			return b.String(), true
		}
		if c != '\\' || i+1 == len(p.rest) {
			b.WriteByte(c)
			continue
		}
		i++
		c = p.rest[i]
		stands, letter := pythonEscapes[c]
		switch {
		case letter && quote == '"':
			b.WriteByte(stands)
		case c == '\\' || c == '\'' || c == '"' && quote == '"':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return "", false
}

// cutPyComment cuts a # after a blank, and the blanks before it.
func cutPyComment(line string) string {
	blank := false
	for i, r := range line {
		if r == '#' && blank {
			return line[:i]
		}
		blank = isPySpace(r)
	}
	return line
}

// end takes the comment and the end of the line.
func (p *pythonParser) end() bool {
	p.skip(isPyBlank)
	if strings.HasPrefix(p.rest, "#") {
		end := strings.IndexByte(p.rest, '\n')
		if end < 0 {
			end = len(p.rest)
		}
		p.rest = p.rest[end:]
	}
	if p.rest == "" {
		return true
	}
	after, ok := strings.CutPrefix(p.rest, "\n")
	p.rest = after
	return ok
}

// isPySpace is str.isspace, which \s of Python's re follows.
func isPySpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isPyBlank(r rune) bool { return isPySpace(r) && r != '\n' && r != '\r' }
