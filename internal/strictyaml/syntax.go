package strictyaml

import (
	"cmp"
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

// cures says what to look for, by the words of the YAML parser.
var cures = map[string]string{
	"did not find expected ',' or '}'":                       "inside { } each NAME: VALUE is followed by a comma or by the closing }; a text after a quoted value is neither",
	"did not find expected ',' or ']'":                       "inside [ ] each value is followed by a comma or by the closing ]",
	"did not find expected key":                              "check the indentation: names of one section begin in the same column; after a quoted value the line ends",
	"did not find expected '-' indicator":                    "the lines above are a list: each of its entries begins with - in the same column",
	"did not find expected node content":                     "a value or a name is missing here: look for a } or ] without its partner, or for two commas",
	"could not find expected ':'":                            "the line before has a name without a colon after it",
	"mapping values are not allowed in this context":         "check the indentation of this line and the one before it; a value with a colon and a space in it needs quotes",
	"found unexpected end of stream":                         "a quote is opened and never closed: look at the lines above",
	"found unknown escape character":                         `inside " " a backslash has a meaning of its own: use ' ' instead, or write it twice`,
	"found character that cannot start any token":            "a value that begins with one of @ ` % needs quotes",
	"did not find expected comment or line break":            "after | or > the line ends; a value that begins with one of them needs quotes",
	"block sequence entries are not allowed in this context": "an entry of a list begins a line of its own; a value that begins with - and a space needs quotes",
	"found a tab character that violates indentation":        "indent with spaces, not with tabs",
}

// syntax words an error of the YAML parser. Its own words quote nothing of the file,
// but for those of the composer.
func (s *source) syntax(err error) mistake {
	m := mistake{at: Place{src: s, Line: 1, column: 1}, msg: "not YAML"}
	var e *yaml.LoadError
	if errors.As(err, &e) {
		m.msg += ": " + e.Message
		m.hint = cures[e.Message]
		m.at.Line, m.at.column = max(1, e.Mark.Line), max(1, e.Mark.Column)
		if e.Stage == yaml.ComposerStage {
			m.msg = "not YAML: an alias of an unknown anchor"
		}
	}
	// What is not closed is noticed at the end; what is wrong stands before it.
	for m.at.Line > 1 && strings.TrimSpace(s.line(m.at.Line)) == "" {
		m.at.Line--
		m.at.column = len([]rune(strings.TrimRight(s.line(m.at.Line), " \t"))) + 1
	}
	m.hint = cmp.Or(lineCure(s.line(m.at.Line)), m.hint, "a config is YAML: NAME: VALUE, indented with spaces")
	return m
}

// lineCure is the cure that a line itself shows; "" if it shows none.
func lineCure(line string) string {
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "indent with spaces, not with tabs"
	case strings.Contains(line, ": @"), strings.Contains(line, ": *"):
		return `a value that begins with @ or * needs quotes: schedule: "@weekly"`
	}
	return ""
}
