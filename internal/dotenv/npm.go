package dotenv

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// npm's dotenv is one regular expression over the whole file. JavaScript's and
// Go's agree on it, except for what \s means.

// jsSpace is \s of JavaScript (ECMA-262, WhiteSpace and LineTerminator).
const jsSpace = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// npmRules are the two expressions of a version.
type npmRules struct{ line, quotes *regexp.Regexp }

func npmRulesOf(quotes string) func() npmRules {
	return sync.OnceValue(func() npmRules {
		var values, around []string
		for _, q := range quotes {
			quote := string(q)
			values = append(values, `S*`+quote+`(?:\\`+quote+`|[^`+quote+`])*`+quote)
			around = append(around, quote+`((?s:.*))`+quote)
		}
		s := "[" + jsSpace + "]"
		line := `(?m)^S*(?:exportS+)?([\w.-]+)(?:S*=S*?|:S+?)(` + strings.Join(values, "|") + `|[^#\r\n]+)?S*(?:#.*)?$`
		return npmRules{
			line:   regexp.MustCompile(strings.ReplaceAll(line, "S", s)),
			quotes: regexp.MustCompile(`(?m)^(?:` + strings.Join(around, "|") + `)$`),
		}
	})
}

var (
	npm15Rules = npmRulesOf(`'"`)
	npm16Rules = npmRulesOf("'\"`")
)

func npm15(file string) (variables, error) { return npmRead(file, npm15Rules()) }
func npm16(file string) (variables, error) { return npmRead(file, npm16Rules()) }

func npmRead(file string, rules npmRules) (variables, error) {
	file = strings.ReplaceAll(strings.ReplaceAll(file, "\r\n", "\n"), "\r", "\n")
	// JavaScript ends lines at these two as well, and has no bytes that are no text.
	unsure := strings.ContainsAny(file, "\u2028\u2029") || !utf8.ValidString(file)
	vars := variables{}
	for _, m := range rules.line.FindAllStringSubmatch(file, -1) {
		name, value := m[1], strings.TrimFunc(m[2], isJSSpace)
		double := strings.HasPrefix(value, `"`)
		value = rules.quotes.ReplaceAllString(value, "$1$2$3")
		if double {
			value = strings.ReplaceAll(strings.ReplaceAll(value, `\n`, "\n"), `\r`, "\r")
		}
		vars[name] = reading{value, unsure}
	}
	return vars, nil
}

func isJSSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r == ' ', r == 0xa0, r == 0x1680, r >= 0x2000 && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000, r == 0xfeff:
		return true
	}
	return false
}
