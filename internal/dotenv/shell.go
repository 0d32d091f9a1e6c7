package dotenv

import (
	"slices"
	"strings"
)

// shell models `set -a; . FILE` in a POSIX shell without options (dash): a line
// is a command, and only one of assignments sets something. It runs nothing, so
// what depends on a command, a variable or a file is unsure.
func shell(file string) (variables, error) {
	s := &shellParser{rest: strings.ReplaceAll(file, "\x00", ""), vars: variables{}}
	for s.rest != "" && !s.lost {
		if err := s.command(); err != nil {
			return nil, err
		}
	}
	if s.lost { // whatever it does from here on, it may do to all of them
		for name, v := range s.vars {
			v.unsure = true
			s.vars[name] = v
		}
		s.loose()
	}
	return s.vars, nil
}

type shellParser struct {
	rest string
	vars variables
	lost bool // what follows is more than commands and assignments
}

// A word is a word of a command, with its quotes taken off.
type word struct {
	text   string
	equals int  // where an unquoted = ends a name; 0 if none does
	bare   bool // no quote or backslash in it
	unsure bool // it is replaced by something else
	globs  bool // it has * ? or [ outside of quotes
}

const (
	shellBlanks    = " \t"
	shellOperators = "\n;&|<>()"
)

// command takes one simple command and what ends it.
func (s *shellParser) command() error {
	var words []word
	for {
		s.blanks()
		switch {
		case s.rest == "":
			return s.do(words)
		case s.rest[0] == '#':
			s.comment()
		case s.rest[0] == '\n', s.rest[0] == ';' && len(words) > 0 && !strings.HasPrefix(s.rest, ";;"):
			s.rest = s.rest[1:]
			return s.do(words)
		case strings.IndexByte(shellOperators, s.rest[0]) >= 0:
			s.lost = true // a list, a pipe, a file that is read or written, a document, or a mistake
		default:
			w, err := s.word()
			if err != nil {
				return err
			}
			words = append(words, w)
		}
		if s.lost {
			s.perhaps(words)
			return nil
		}
	}
}

func (s *shellParser) blanks() {
	for {
		s.rest = strings.TrimLeft(s.rest, shellBlanks)
		after, joined := strings.CutPrefix(s.rest, "\\\n")
		if !joined {
			return
		}
		s.rest = after
	}
}

func (s *shellParser) comment() {
	end := strings.IndexByte(s.rest, '\n')
	if end < 0 {
		end = len(s.rest)
	}
	s.rest = s.rest[end:]
}

// word takes one word; it ends at a blank or an operator outside of quotes.
func (s *shellParser) word() (word, error) {
	w := word{bare: true}
	var b strings.Builder
	i := 0
scan:
	for ; i < len(s.rest); i++ {
		c := s.rest[i]
		switch {
		case strings.IndexByte(shellBlanks+shellOperators, c) >= 0:
			break scan
		case c == '\'':
			w.bare = false
			end := strings.IndexByte(s.rest[i+1:], '\'')
			if end < 0 {
				return w, errRefused
			}
			b.WriteString(s.rest[i+1 : i+1+end])
			i += end + 1
		case c == '"':
			w.bare = false
			end, unsure, err := s.double(&b, i+1)
			if err != nil {
				return w, err
			}
			w.unsure = w.unsure || unsure
			i = end
		case c == '\\':
			w.bare = false
			if i+1 == len(s.rest) {
				b.WriteByte('\\')
				continue
			}
			if i++; s.rest[i] != '\n' {
				b.WriteByte(s.rest[i])
			}
		case c == '`' || c == '$' && expands(s.rest[i+1:]):
			end, err := s.substitution(i)
			if err != nil {
				return w, err
			}
			b.WriteString(s.rest[i : end+1])
			i, w.unsure = end, true
		default:
			if c == '=' && w.equals == 0 && w.bare && isShellName(b.String()) {
				w.equals = b.Len()
			}
			if c == '~' && (b.Len() == 0 || w.equals > 0 && (b.Len() == w.equals+1 || strings.HasSuffix(b.String(), ":"))) {
				w.unsure = true
			}
			w.globs = w.globs || c == '*' || c == '?' || c == '['
			b.WriteByte(c)
		}
	}
	w.text, s.rest = b.String(), s.rest[i:]
	return w, nil
}

// double takes what stands in double quotes from i on, and returns where they
// end.
func (s *shellParser) double(b *strings.Builder, i int) (end int, unsure bool, err error) {
	for ; i < len(s.rest); i++ {
		c := s.rest[i]
		switch {
		case c == '"':
			return i, unsure, nil
		case c == '\\' && i+1 < len(s.rest):
			i++
			switch c := s.rest[i]; {
			case c == '\n':
			case strings.IndexByte("$`\"\\", c) >= 0:
				b.WriteByte(c)
			default:
				b.WriteByte('\\')
				b.WriteByte(c)
			}
		case c == '`' || c == '$' && expands(s.rest[i+1:]):
			end, err := s.substitution(i)
			if err != nil {
				return 0, false, err
			}
			b.WriteString(s.rest[i : end+1])
			i, unsure = end, true
		default:
			b.WriteByte(c)
		}
	}
	return 0, false, errRefused
}

// substitution returns the last byte of what is replaced, as far as that can be
// told without running it.
func (s *shellParser) substitution(i int) (end int, err error) {
	closing := map[byte]byte{'{': '}', '(': ')'}
	if s.rest[i] == '`' {
		return s.closed(i, '`')
	}
	if c := s.rest[i+1]; c == '{' || c == '(' {
		return s.closed(i+1, closing[c])
	}
	return i, nil // the name after the $ is as good as any other text
}

// closed finds the end of a substitution. Quotes and more of the kind inside of
// it are not understood.
func (s *shellParser) closed(i int, by byte) (int, error) {
	end := strings.IndexByte(s.rest[i+1:], by)
	if end < 0 {
		return 0, errRefused
	}
	if strings.ContainsAny(s.rest[i+1:i+1+end], "'\"\\`$({#") {
		s.lost = true
	}
	return i + 1 + end, nil
}

// expands reports whether a $ before rest is replaced.
func expands(rest string) bool {
	return rest != "" && (strings.IndexByte("{(@*#?-$!_", rest[0]) >= 0 || isShellName(rest[:1]) || rest[0] >= '0' && rest[0] <= '9')
}

func isShellName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// reserved are the words that begin what is more than a simple command.
const reserved = " ! { } case do done elif else esac fi for if in then until while "

// opaque are the commands that may change variables, or end it all.
const opaque = " . alias break builtin command continue eval exec exit getopts hash local read readonly return shift source times trap ulimit unalias unset wait "

// special are the commands before which assignments last.
const special = " : . break continue eval exec exit export readonly return set shift times trap unset "

// do does what a command of these words does to variables.
func (s *shellParser) do(words []word) error {
	assigned := 0
	for assigned < len(words) && words[assigned].equals > 0 {
		assigned++
	}
	is := func(list string) bool { return strings.Contains(list, " "+words[assigned].text+" ") }
	switch {
	case assigned == len(words):
		s.set(words)
	case assigned == 0 && words[0].text == "export":
		for _, w := range words[1:] {
			switch w.unsure = w.unsure || w.globs; {
			case w.equals > 0:
				s.set([]word{w})
			case w.unsure:
				s.lost = true
			case !isShellName(w.text):
				return errRefused // a bad name for a special command: the shell stops
			}
		}
	case assigned > 0 && is(special), is(opaque), is(reserved), words[assigned].unsure:
		s.lost = true
		s.perhaps(words)
	}
	return nil
}

func (s *shellParser) set(words []word) {
	for _, w := range words {
		s.vars[w.text[:w.equals]] = reading{w.text[w.equals+1:], w.unsure}
	}
}

// perhaps notes assignments of a command that may happen or not.
func (s *shellParser) perhaps(words []word) {
	for i := range words {
		words[i].unsure = true
	}
	s.set(slices.DeleteFunc(words, func(w word) bool { return w.equals == 0 }))
}

// loose notes every name that stands before a = in what is left: a shell may
// set it, or not.
func (s *shellParser) loose() {
	for line := range strings.Lines(s.rest) {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(shellBlanks+shellOperators, r) }) {
			if name, _, ok := strings.Cut(part, "="); ok && isShellName(name) {
				s.vars[name] = reading{unsure: true}
			}
		}
	}
}
