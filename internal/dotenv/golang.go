package dotenv

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/lazy"
)

// godotenv and compose come from one parser and have gone separate ways:
// both take NAME: VALUE as well, and give up the whole file at what they do not
// understand.

// isGoBlank is white space within a line, to both.
func isGoBlank(r rune) bool {
	switch r {
	case '\t', '\v', '\f', '\r', ' ', 0x85, 0xa0:
		return true
	}
	return false
}

// statement goes on to the next statement; "" at the end of the file.
func statement(rest string) string {
	for {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if !strings.HasPrefix(rest, "#") {
			return rest
		}
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			return ""
		}
		rest = rest[end:]
	}
}

// godotenv models github.com/joho/godotenv.
func godotenv(file string) (variables, error) {
	vars := variables{}
	rest := strings.ReplaceAll(file, "\r\n", "\n")
	for rest = statement(rest); rest != ""; rest = statement(rest) {
		name, after, err := godotenvName(rest)
		if err != nil {
			return nil, err
		}
		value, after, err := godotenvValue(after)
		if err != nil {
			return nil, err
		}
		vars[name], rest = value, after
	}
	return vars, nil
}

func godotenvName(rest string) (name, after string, err error) {
	// It looks at single bytes, so that some letters of UTF-8 are taken apart.
	blank := func(b byte) bool { return isGoBlank(rune(b)) }
	if after, ok := strings.CutPrefix(rest, "export"); ok && after != "" {
		if r, _ := utf8.DecodeRuneInString(after); isGoBlank(r) {
			rest = strings.TrimLeftFunc(after, isGoBlank)
		}
	}
	for i := range len(rest) {
		c := rest[i]
		switch r := rune(c); {
		case blank(c):
		case c == '=' || c == ':':
			name = strings.TrimRightFunc(rest[:i], unicode.IsSpace)
			return name, strings.TrimLeftFunc(rest[i+1:], isGoBlank), nil
		case c == '_' || c == '.' || unicode.IsLetter(r) || unicode.IsNumber(r):
		default:
			return "", "", errRefused
		}
	}
	if rest == "" {
		return "", "", errRefused
	}
	// No = to the end of the file: the rest is taken for the value of no name.
	return "", strings.TrimLeftFunc(rest, isGoBlank), nil
}

func godotenvValue(rest string) (v reading, after string, err error) {
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		line, end := rest, ""
		if i := strings.IndexAny(rest, "\n\r"); i >= 0 {
			line, end = rest[:i], rest[i:]
		}
		return godotenvExpand(strings.TrimFunc(cutGodotenvComment(line), isGoBlank)), end, nil
	}
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		if rest[i] != quote || rest[i-1] == '\\' {
			continue
		}
		value := strings.Trim(rest[:i], string(quote))
		if quote == '\'' {
			return reading{text: value}, rest[i+1:], nil
		}
		value = godotenvEscape().ReplaceAllStringFunc(value, func(m string) string {
			switch m {
			case `\n`:
				return "\n"
			case `\r`:
				return "\r"
			}
			return m
		})
		return godotenvExpand(godotenvOther().ReplaceAllString(value, "$1")), rest[i+1:], nil
	}
	return v, "", errRefused
}

// cutGodotenvComment cuts the last # that follows a blank.
func cutGodotenvComment(line string) string {
	runes := []rune(line)
	for i := len(runes) - 1; i > 0; i-- {
		if runes[i] == '#' && isGoBlank(runes[i-1]) {
			return string(runes[:i])
		}
	}
	return string(runes)
}

var (
	godotenvEscape   = lazy.Regexp(`\\.`)
	godotenvOther    = lazy.Regexp(`\\([^$])`)
	godotenvVariable = lazy.Regexp(`(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?`)
)

// godotenvExpand takes the backslash off \$. Only names of capital letters are
// replaced, and a parenthesis before one does not keep it from that.
func godotenvExpand(v string) reading {
	r := reading{}
	r.text = godotenvVariable().ReplaceAllStringFunc(v, func(s string) string {
		m := godotenvVariable().FindStringSubmatch(s)
		switch {
		case m[1] == `\`:
			return s[1:]
		case m[4] != "":
			r.unsure = true
		}
		return s
	})
	return r
}

// compose models the parser of docker compose (compose-spec/compose-go), with no
// variable set outside of the file.
func compose(file string) (variables, error) {
	vars := variables{}
	rest := strings.TrimPrefix(file, "\ufeff")
	for rest = statement(rest); rest != ""; rest = statement(rest) {
		name, after, alone, err := composeName(rest)
		switch {
		case err != nil || strings.Contains(name, " "):
			return nil, errRefused
		case alone: // its value is that of the environment
			rest = after
			continue
		}
		value, after, err := composeValue(after)
		if err != nil {
			return nil, err
		}
		vars[name], rest = value, after
	}
	return vars, nil
}

var composeExport = lazy.Regexp(`^export\s+`)

func composeName(rest string) (name, after string, alone bool, err error) {
	if composeExport().MatchString(rest) {
		rest = strings.TrimLeftFunc(strings.TrimPrefix(rest, "export"), isGoBlank)
	}
	next := 0
scan:
	for i, r := range rest {
		switch {
		case isGoBlank(r):
		case r == '=' || r == ':' || r == '\n':
			name, next, alone = rest[:i], i+1, r == '\n'
			break scan
		case strings.ContainsRune("_.-[]", r) || unicode.IsLetter(r) || unicode.IsNumber(r):
		default:
			return "", "", false, errRefused
		}
	}
	if rest == "" {
		return "", "", false, errRefused
	}
	return strings.TrimRightFunc(name, unicode.IsSpace), strings.TrimLeftFunc(rest[next:], isGoBlank), alone, nil
}

func composeValue(rest string) (v reading, after string, err error) {
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		line, after, _ := strings.Cut(rest, "\n")
		line, _, _ = strings.Cut(line, " #")
		v, err = composeExpand(strings.TrimRightFunc(line, unicode.IsSpace))
		return v, after, err
	}
	quote := rest[0]
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == quote:
			v.text = b.String()
			if quote == '"' {
				v, err = composeExpand(composeUnescape(v.text))
			}
			return v, rest[i+1:], err
		case c == '\\' && i+1 < len(rest) && rest[i+1] == quote:
			i++
			b.WriteByte(quote)
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte('\\')
			b.WriteByte(rest[i])
		case c != '\\':
			b.WriteByte(c)
		}
	}
	return v, "", errRefused
}

var composeEscape = lazy.Regexp(`(\\(?:[abcfnrtv$"\\]|0\d{0,3}))`)

func composeUnescape(s string) string {
	letters := map[string]string{`\a`: "\a", `\b`: "\b", `\f`: "\f", `\n`: "\n", `\r`: "\r", `\t`: "\t", `\v`: "\v", `\"`: `"`, `\\`: `\`, `\$`: "$$"}
	return composeEscape().ReplaceAllStringFunc(s, func(m string) string {
		if stands, ok := letters[m]; ok {
			return stands
		}
		// \0ddd is a character by its octal number. Of fewer digits the 0 is lost.
		digits := strings.TrimPrefix(m, `\0`)
		if len(digits) == 3 && strings.Trim(digits, "01234567") == "" && digits[0] <= '3' {
			return string(rune(digits[0]-'0')<<6 | rune(digits[1]-'0')<<3 | rune(digits[2]-'0'))
		}
		return `\` + digits
	})
}

var (
	composeVariable = lazy.Regexp(`\$(?i:(\$)|([_a-z][_a-z0-9]*)|(\{))`)
	// composeBraced is what is sure not to make it give up the file.
	composeBraced = lazy.Regexp(`(?i)^\$\{[_a-z][_a-z0-9]*(:?[-+][^${}]*)?\}`)
)

// composeExpand takes $$ for $.
func composeExpand(s string) (v reading, err error) {
	for _, at := range composeVariable().FindAllStringSubmatchIndex(s, -1) {
		if at[6] >= 0 && !composeBraced().MatchString(s[at[0]:]) {
			err = errRefused
		}
	}
	v.text = composeVariable().ReplaceAllStringFunc(s, func(m string) string {
		if m == "$$" {
			return "$"
		}
		v.unsure = true
		return m
	})
	return v, err
}
