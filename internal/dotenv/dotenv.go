// Package dotenv knows .env files as their readers do: npm's dotenv, Node,
// python-dotenv, godotenv, docker compose, docker, systemd and shells. It runs and
// expands nothing.
//
// They do not agree on much. Readers is the table of them, each with a model of
// what it makes of a file; e2e/dotenv.sh holds the models against the readers
// themselves. Upon that stand
//
//   - Read: the one text that all readers see, or who sees what,
//   - Write: the form of a text that all readers see alike,
//   - Fit: files that cannot be read or changed as .env files at all.
//
// Find is older, and stricter than any reader: it finds where a variable stands in
// a file, for changing it there. A variable is then
//
//	NAME=text            up to the end of the line, or to " #"
//	export NAME=text
//	NAME="text"          over several lines if need be; \n \r \t \" \\ \$ mean what they do in Go
//	NAME='text'          as it stands, over several lines if need be
//
// and a $ in an unquoted or double-quoted value is refused, since some expand it.
// That is asked of the variables that are wanted. Other lines may be as they like
// and are skipped, unless a wanted one could stand inside them: in quotes over
// several lines that are not closed, or after which something follows.
package dotenv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/secret"
)

// ErrMissing says that the file does not set the variable.
var ErrMissing = errors.New("the variable is not set there")

// An Error is a line that cannot be taken. It never quotes a value.
type Error struct {
	Line int
	Why  string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Line, e.Why) }

// An Assignment is one place where a variable is set. The bytes from Start to
// End are its value as it is written, quotes included, without what surrounds
// it on the line.
type Assignment struct {
	Name       string
	Value      secret.Text
	Line       int // from 1
	Start, End int
}

// Find returns every assignment of the variables called names, in the order of
// the file.
func Find(data []byte, names ...string) ([]Assignment, error) {
	r := &reader{rest: strings.TrimPrefix(string(data), "\ufeff"), line: 1, want: names}
	var all []Assignment
	for r.rest != "" {
		begin, at := len(data)-len(r.rest), r.line
		name, v, err := r.next()
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		start := begin + strings.IndexByte(string(data[begin:]), '=') + 1
		for start < len(data) && (data[start] == ' ' || data[start] == '\t') {
			start++
		}
		end := start + v.Len() // without quotes a value stands as it is
		if r.after > 0 {
			end = len(data) - r.after + 1
		}
		all = append(all, Assignment{Name: name, Value: v, Line: at, Start: start, End: end})
	}
	return all, nil
}

// A reader takes one assignment after the other.
type reader struct {
	rest  string
	line  int
	want  []string // the variables that matter
	after int      // 1 + the bytes after the quoted value that was taken last; 0 if it was not quoted
}

func (r *reader) wants(name string) bool { return slices.Contains(r.want, name) }

// next takes one line, or more if a quoted value goes on. The name is "" for
// lines that set nothing.
func (r *reader) next() (name string, value secret.Text, err error) {
	line, rest, _ := strings.Cut(r.rest, "\n")
	at := r.line
	r.after = 0
	name, raw, ok := assignment(line)
	quoted := ok && raw != "" && (raw[0] == '"' || raw[0] == '\'')
	switch {
	case quoted && r.wants(name):
		r.openQuote()
		return r.quoted(name)
	case quoted:
		r.openQuote()
		return "", value, r.skip()
	}
	r.rest, r.line = rest, at+1
	if !ok || !r.wants(name) {
		return "", value, nil
	}
	return plain(name, raw, at)
}

// openQuote goes on to the quote that begins the value.
func (r *reader) openQuote() {
	_, r.rest, _ = strings.Cut(r.rest, "=")
	r.rest = strings.TrimLeft(r.rest, " \t")
}

// assignment parts a line at its =. Comments and all else are none. The name may
// be one that is not valid: what follows can be a quote all the same.
func assignment(line string) (name, raw string, ok bool) {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return "", "", false
	}
	name, raw, ok = strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if after, exported := strings.CutPrefix(name, "export"); exported && after != "" && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimSpace(after)
	}
	return name, strings.TrimLeft(raw, " \t"), ok
}

// skip goes past the quoted value of another variable; r.rest begins with it.
// Where its end is not certain, and the wanted variable is set on one of the
// lines that it may have, no one can tell which of the two was meant.
func (r *reader) skip() error {
	at, quote := r.line, r.rest[0]
	end := 1
	for end < len(r.rest) && r.rest[end] != quote {
		if quote == '"' && r.rest[end] == '\\' {
			end++
		}
		end++
	}
	closed := end < len(r.rest)
	inside, tail := r.rest, ""
	if closed {
		inside = r.rest[:end]
		tail, _, _ = strings.Cut(r.rest[end+1:], "\n")
		tail = strings.TrimSpace(tail)
	}
	first, more, several := strings.Cut(inside, "\n")
	if sure := closed && (tail == "" || tail[0] == '#'); !sure && several {
		for line := range strings.SplitSeq(more, "\n") {
			if n, _, ok := assignment(line); ok && r.wants(n) {
				return &Error{at, fmt.Sprintf("the quote of another variable that opens here is not closed before %s, which could be a part of its value", n)}
			}
		}
		inside = first // it is one line that is not understood, and no more
	}
	_, after, _ := strings.Cut(r.rest[len(inside):], "\n")
	r.line += strings.Count(inside, "\n") + 1
	r.rest = after
	return nil
}

// plain takes an unquoted value.
func plain(name, raw string, at int) (string, secret.Text, error) {
	for i := range raw {
		if raw[i] == '#' && (i == 0 || raw[i-1] == ' ' || raw[i-1] == '\t') {
			raw = raw[:i]
			break
		}
	}
	raw = strings.TrimSpace(raw)
	if strings.Contains(raw, "$") {
		return "", secret.Text{}, &Error{at, "$ in a value without quotes: some programs expand it; put the value in single quotes if it stands for itself"}
	}
	return name, secret.New([]byte(raw)), nil
}

// quoted takes a value that begins with a quote; r.rest begins with it.
func (r *reader) quoted(name string) (string, secret.Text, error) {
	at, quote := r.line, r.rest[0]
	var b strings.Builder
	for i := 1; i < len(r.rest); i++ {
		c := r.rest[i]
		switch {
		case c == quote:
			r.after = len(r.rest) - i
			return r.close(name, b.String(), i+1, at)
		case c == '\n':
			r.line++
		case quote == '"' && c == '$':
			return "", secret.Text{}, &Error{at, `$ in double quotes: some programs expand it; write \$, or use single quotes`}
		case quote == '"' && c == '\\' && i+1 < len(r.rest):
			i++
			if c = unescape(r.rest[i]); c == 0 {
				return "", secret.Text{}, &Error{at, `a backslash in double quotes may only stand before n, r, t, ", \ and $`}
			}
		}
		b.WriteByte(c)
	}
	return "", secret.Text{}, &Error{at, "the quote is never closed"}
}

// close ends a quoted value: only a comment may follow it.
func (r *reader) close(name, value string, end, at int) (string, secret.Text, error) {
	tail, rest, _ := strings.Cut(r.rest[end:], "\n")
	if tail = strings.TrimSpace(tail); tail != "" && tail[0] != '#' {
		return "", secret.Text{}, &Error{at, "something follows the closing quote"}
	}
	r.rest, r.line = rest, r.line+1
	return name, secret.New([]byte(value)), nil
}

// unescape is what a character after a backslash stands for; 0 if nothing.
func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '"', '\\', '$':
		return c
	}
	return 0
}

func validName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		digit := '0' <= c && c <= '9' || c == '.' || c == '-'
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return s != ""
}
