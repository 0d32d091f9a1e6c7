package dotenv

import (
	"bufio"
	"strings"
	"unicode"
	"unicode/utf8"
)

// docker models `docker run --env-file`: a line is a variable, and what stands
// after its = is the value, with quotes, comments and blanks.
func docker(file string) (variables, error) {
	vars := variables{}
	lines := bufio.NewScanner(strings.NewReader(file))
	for first := true; lines.Scan(); first = false {
		line := lines.Text()
		if !utf8.ValidString(line) {
			return nil, errRefused
		}
		if first {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, set := strings.Cut(line, "=")
		if name == "" || strings.ContainsAny(name, " \t") {
			return nil, errRefused
		}
		if set { // else it is the environment's
			vars[name] = reading{text: value}
		}
	}
	if lines.Err() != nil { // a line of 64 KB
		return nil, errRefused
	}
	return vars, nil
}
