package dotenv

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/lazy"
)

// A Form is a way to write a value.
type Form int

// The forms, in the order in which they are preferred.
const (
	None   Form = iota
	Plain       // without quotes
	Single      // in single quotes
	Double      // in double quotes; line ends stand in it as they are
)

// A Written is a value as it stands after the = of a line.
type Written struct {
	Text string
	Form Form
	Not  []Reader // those that see another text, or refuse the file
}

// An Unwritable says that no form of a value is read alike.
type Unwritable struct {
	Why    Why
	Differ []Reader // those that would not see it in the best form; nil where Why says enough
}

// Why says which characters are in the way.
type Why string

// The characters that readers take in different ways, whatever stands around
// them.
const (
	Dollar  Why = "$"       // dotenv-expand, which Next.js and Vite use, replaces it in all quotes
	Control Why = "control" // tab, carriage return and other control characters
	NotText Why = "bytes"   // what is not UTF-8
	Mixed   Why = "mixed"   // such as both kinds of quotes, or quotes and a backslash
)

// bare is what stands without quotes, the same to readers that are not in the
// table as well. Everything that rotate makes for symmetric keys does.
var bare = lazy.Regexp(`^[A-Za-z0-9_./+=:@,-]+$`)

// Write finds the form of a value that all readers see alike. Docker's
// --env-file knows no quotes and no line ends in values; it alone may be among
// those that do not. A PEM so stands in double quotes with its line ends. Where
// no form serves the error is an *Unwritable.
func Write(value []byte) (Written, error) {
	text := string(value)
	switch {
	case !utf8.ValidString(text):
		return Written{}, &Unwritable{Why: NotText}
	case strings.Contains(text, "$"):
		return Written{}, &Unwritable{Why: Dollar}
	case strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }):
		return Written{}, &Unwritable{Why: Control}
	}
	best := Written{Not: Readers()}
	for _, form := range []Form{Plain, Single, Double} {
		if form == Plain && !bare().MatchString(text) || form == Single && strings.Contains(text, "\n") {
			continue
		}
		w := Written{Text: form.of(text), Form: form}
		w.Not = blind(w.Text, text)
		if best.Form == None || len(w.Not) < len(best.Not) {
			best = w
		}
	}
	if slices.ContainsFunc(best.Not, func(r Reader) bool { return r.Name != Docker }) {
		return Written{}, &Unwritable{Why: Mixed, Differ: best.Not}
	}
	return best, nil
}

func (f Form) of(text string) string {
	switch f {
	case Single:
		return "'" + text + "'"
	case Double:
		return `"` + text + `"`
	}
	return text
}

// blind is the readers that do not see text where written stands, or do not see
// what follows.
func blind(written, text string) (not []Reader) {
	file := []byte("BEFORE=1\nNAME=" + written + "\nAFTER=2\n")
	for _, r := range Readers() {
		name, after := r.Read(file, "NAME"), r.Read(file, "AFTER")
		if !name.Set || !name.Sure || string(name.Value.Reveal()) != text || string(after.Value.Reveal()) != "2" {
			not = append(not, r)
		}
	}
	return not
}
