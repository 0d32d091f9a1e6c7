package dotenv

import (
	"strings"
	"unicode/utf8"
)

// node models `node --env-file`: quotes of three kinds that end at the next one
// of their kind, \n in double quotes, and # that begins a comment anywhere in a
// text without quotes.
func node(file string) (variables, error) {
	rest := nodeTrim(strings.ReplaceAll(file, "\r", ""))
	unsure := !utf8.ValidString(file) // JavaScript has no bytes that are no text
	vars := variables{}
	for rest != "" {
		if rest[0] == '\n' || rest[0] == '#' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		equals, end := strings.IndexByte(rest, '='), strings.IndexByte(rest, '\n')
		if equals < 0 || end >= 0 && end < equals {
			_, rest, _ = strings.Cut(rest, "\n")
			rest = nodeTrim(rest)
			continue
		}
		name := nodeTrim(rest[:equals])
		rest = rest[equals+1:]
		if name == "" { // what follows is taken for the next statement
			continue
		}
		empty := nodeTrim(rest) == "" || rest[0] == '\n'
		if after, exported := strings.CutPrefix(name, "export "); exported && !empty {
			name = nodeTrim(after) // it stays before an empty value
		}
		var value string
		value, rest = nodeValue(rest)
		vars[name] = reading{value, unsure}
	}
	return vars, nil
}

// nodeValue takes a value off the text after its =.
func nodeValue(text string) (value, rest string) {
	if text == "" || text[0] == '\n' {
		return "", strings.TrimPrefix(text, "\n")
	}
	text = nodeTrim(text) // which goes on to the next line where only blanks follow
	if text == "" {
		return "", ""
	}
	if quote := text[0]; strings.IndexByte("\"'`", quote) >= 0 {
		if end := strings.IndexByte(text[1:], quote); end >= 0 {
			value = text[1 : 1+end]
			if quote == '"' {
				value = strings.ReplaceAll(value, `\n`, "\n")
			}
			_, rest, _ = strings.Cut(text[end+2:], "\n")
			return value, rest
		}
		value, rest, _ = strings.Cut(text, "\n")
		return value, rest
	}
	line, rest, _ := strings.Cut(text, "\n")
	value, _, _ = strings.Cut(line, "#")
	return nodeTrim(value), nodeTrim(rest)
}

func nodeTrim(s string) string { return strings.Trim(s, " \t\n") }
