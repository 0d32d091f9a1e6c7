package dotenv

import (
	"slices"
	"strings"

	"github.com/keyrotate/rotate/secret"
)

// A Reading is a variable that all its readers take for the same text.
type Reading struct {
	Value  secret.Text
	Line   int      // where it is set, from 1
	Cannot []Reader // those that refuse the file, or do not find the variable in it
}

// A Disagreement says that readers take one variable for different texts. It
// holds lengths and places, never a text.
type Disagreement struct {
	Name   string
	Line   int
	Takes  []Take   // the text that most readers see comes first
	Unsure []Reader // those for which it depends on other variables, or on a command
	Cannot []Reader
	CRLF   bool // they differ on nothing but the carriage return of a Windows line end
}

// A Take is one text that some readers see.
type Take struct {
	Readers []Reader
	Bytes   int
	Differs int // the first byte, from 1, in which it differs from the first Take; 0 for that one itself
	// Written is how to write the text so that all readers see it, apart from
	// those in Not. Form is None where there is no such way.
	Form Form
	Not  []Reader
}

// A Twice says that a variable is set on more than one line.
type Twice struct {
	Name  string
	Lines []int
}

// Read finds the variable called name as its readers find it: all of Readers
// for nil. Where they do not agree the error is a *Disagreement, where it is
// set on several lines a *Twice, and where the file cannot be read by some of
// them at all an *Unfit. ErrMissing says that it is not set, ErrEmpty that it
// is set to nothing.
func Read(file []byte, name string, by []Reader) (Reading, error) {
	if !validName(name) {
		return Reading{}, ErrBadName
	}
	if err := Fit(file); err != nil {
		return Reading{}, err
	}
	lines := linesOf(file, name)
	if len(lines) > 1 {
		return Reading{}, &Twice{name, lines}
	}
	if by == nil {
		by = Readers()
	}
	d := &Disagreement{Name: name, Line: 1}
	if len(lines) == 1 {
		d.Line = lines[0]
	}
	texts := d.ask(file, by)
	switch {
	case len(texts) == 0 && len(d.Unsure) == 0:
		return Reading{}, ErrMissing
	case len(texts) == 1 && len(d.Unsure) == 0 && texts[0] == "":
		return Reading{}, ErrEmpty
	case len(texts) == 1 && len(d.Unsure) == 0:
		return Reading{Value: secret.New([]byte(texts[0])), Line: d.Line, Cannot: d.Cannot}, nil
	}
	d.CRLF = len(texts) == 2 && len(d.Unsure) == 0 && texts[0]+"\r" == texts[1]
	return Reading{}, d
}

// ask sorts the readers by what they see, and returns the texts of d.Takes.
func (d *Disagreement) ask(file []byte, by []Reader) (texts []string) {
	type seen struct {
		text    string
		readers []Reader
	}
	var all []seen
	for _, r := range by {
		what := r.Read(file, d.Name)
		text := string(what.Value.Reveal())
		i := slices.IndexFunc(all, func(s seen) bool { return s.text == text })
		switch {
		case !what.Set:
			d.Cannot = append(d.Cannot, r)
		case !what.Sure:
			d.Unsure = append(d.Unsure, r)
		case i < 0:
			all = append(all, seen{text, []Reader{r}})
		default:
			all[i].readers = append(all[i].readers, r)
		}
	}
	slices.SortStableFunc(all, func(a, b seen) int { return len(b.readers) - len(a.readers) })
	for i, s := range all {
		take := Take{Readers: s.readers, Bytes: len(s.text)}
		if i > 0 {
			take.Differs = differs(all[0].text, s.text)
		}
		if w, err := Write([]byte(s.text)); err == nil {
			take.Form, take.Not = w.Form, w.Not
		}
		d.Takes = append(d.Takes, take)
		texts = append(texts, s.text)
	}
	return texts
}

// differs is the first byte, from 1, in which two texts are not the same.
func differs(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i + 1
}

// linesOf is the lines, from 1, that look as if they set the variable.
func linesOf(file []byte, name string) (lines []int) {
	text := strings.TrimPrefix(string(file), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		if n, _, ok := assignment(line); ok && n == name {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// Names lists the variables that a file seems to set, in its order and each once,
// for completion and messages. It never lists a value: lines of a PEM, which can
// look like NAME=, are passed over, and so is what may be the end of base64.
func Names(file []byte) (names []string) {
	inPEM := false
	for line := range strings.Lines(strings.TrimPrefix(string(file), "\ufeff")) {
		name, raw, ok := assignment(line)
		if ok && !inPEM && validName(name) && !base64End(name, raw) && !slices.Contains(names, name) {
			names = append(names, name)
		}
		switch {
		case strings.Contains(line, "-----END "):
			inPEM = false
		case strings.Contains(line, "-----BEGIN "):
			inPEM = true
		}
	}
	return names
}

// base64End reports whether a line may be the padded end of base64: letters of both
// cases, and after them nothing but = and a quote.
func base64End(name, raw string) bool {
	return strings.ToUpper(name) != name && strings.ToLower(name) != name && strings.Trim(raw, "=\"' \r\n") == ""
}
