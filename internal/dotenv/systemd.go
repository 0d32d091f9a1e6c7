package dotenv

import (
	"strings"
	"unicode/utf8"
)

// systemd models EnvironmentFile= (systemd.exec(5)): quotes may begin and end
// anywhere in a value, a backslash at the end of a line joins it with the next,
// and # begins a comment at the start of a line only. Nothing is replaced.
func systemd(file string) (variables, error) {
	if strings.Contains(file, "\x00") {
		return nil, errRefused
	}
	s := &systemdParser{rest: file}
	vars := variables{}
	for {
		name, value, ok := s.assignment()
		if !ok {
			return vars, nil
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, errRefused
		}
		if systemdName(name) {
			vars[name] = reading{text: value}
		}
	}
}

type systemdParser struct{ rest string }

const systemdBlanks = " \t\n\r"

// assignment goes on to the next one; ok is false at the end of the file.
func (s *systemdParser) assignment() (name, value string, ok bool) {
	for {
		s.rest = strings.TrimLeft(s.rest, systemdBlanks)
		switch {
		case s.rest == "":
			return "", "", false
		case strings.ContainsRune("#;", rune(s.rest[0])):
			s.comment()
			continue
		}
		end := 1 + strings.IndexAny(s.rest[1:], "=\n\r") // a = that comes first is part of the name
		if end < 1 {
			return "", "", false
		}
		name, s.rest = s.rest[:end], s.rest[end:]
		if s.rest[0] == '=' {
			s.rest = s.rest[1:]
			return strings.TrimRight(name, systemdBlanks), s.value(), true
		}
	}
}

// comment goes past a comment; a backslash at its end takes in the next line.
// That is so up to version 253.
func (s *systemdParser) comment() {
	for i := 0; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '\n', '\r':
			s.rest = s.rest[i:]
			return
		}
	}
	s.rest = ""
}

// value takes the value. Blanks before it and between quotes are dropped, and
// those at its end if they stand outside of quotes and are not escaped.
func (s *systemdParser) value() string {
	var b strings.Builder
	keep, plain := 0, false // how much of b stays when blanks at the end are cut; is this a part without quotes?
	i := 0
	for ; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '\n' || c == '\r':
			s.rest = s.rest[i:]
			return s.cut(b.String(), keep, plain)
		case !plain && (c == '\'' || c == '"'):
			i = s.quoted(&b, i)
			keep = b.Len()
		case c == '\\':
			plain = true
			if i++; i < len(s.rest) && s.rest[i] != '\n' && s.rest[i] != '\r' {
				b.WriteByte(s.rest[i])
			}
			keep = b.Len()
		case strings.IndexByte(systemdBlanks, c) >= 0:
			if plain {
				b.WriteByte(c)
			}
		default:
			plain = true
			b.WriteByte(c)
			keep = b.Len()
		}
	}
	s.rest = ""
	return s.cut(b.String(), keep, plain)
}

func (s *systemdParser) cut(value string, keep int, plain bool) string {
	if plain {
		return value[:keep]
	}
	return value
}

// quoted takes what stands in quotes from i on, and returns where they end.
func (s *systemdParser) quoted(b *strings.Builder, i int) int {
	quote := s.rest[i]
	for i++; i < len(s.rest) && s.rest[i] != quote; i++ {
		c := s.rest[i]
		if c != '\\' || quote == '\'' {
			b.WriteByte(c)
			continue
		}
		if i++; i == len(s.rest) {
			break
		}
		switch c := s.rest[i]; {
		case strings.IndexByte("\"\\`$", c) >= 0:
			b.WriteByte(c)
		case c != '\n':
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return i
}

// systemdName reports whether it lets a variable of this name through.
func systemdName(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
