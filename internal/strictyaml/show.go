package strictyaml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/lazy"
)

// Somebody will put a key where an option belongs, or name the wrong file with
// -c. So nothing of a file is printed unless this file says that it may be:
// words that the form or the config's own names know, and short values of a shape
// that no key has. All else is shown as "…", in excerpts and in messages.

// A Vocabulary is the words that are no secret: options, their fixed values,
// and the names that this config gives.
type Vocabulary struct {
	form    *Form
	options map[string]bool
	fixed   map[string]bool // the options that take one of a few words
	words   map[string]bool
}

const maxHarmless = 24

const units = `(ns|us|µs|ms|[smhdw])`

// shapes are what values look like that are shown. A key that is short enough
// for one of them has been guessed already.
var shapes = []lazy.Pattern{
	lazy.Regexp(`^[-+]?[0-9]{1,6}(\.[0-9]{1,3})?$`),
	lazy.Regexp(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`),
	lazy.Regexp(`^-?([0-9]{1,5}(\.[0-9]{1,3})?` + units + `){1,4}$`),
	lazy.Regexp(`^-?[0-9]{1,5}(\.[0-9]{1,3})? ?([A-Za-z]|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?|months?|years?)$`),
	lazy.Regexp(`^@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)$`),
	lazy.Regexp(`^@every ([0-9]{1,5}` + units + `){1,4}$`),
	lazy.Regexp(`^[ugoa]{0,3}[-+=]?[rwx]{1,3}$`),                           // chmod's
	lazy.Regexp(`^(~|\$[A-Z]{1,8}|\.{1,2})?(/[a-z._-]{1,12}){1,5}/?$`),     // paths of plain words
	lazy.Regexp(`^(true|false|null|~|yes|no|on|off)$`),                     // YAML's
	lazy.Regexp(`(?i)^` + cronField + `( +` + cronField + `){0,6}$`),       // cron's
	lazy.Regexp(`^TZ=([A-Z][a-z]{1,11}(/[A-Z][A-Za-z_]{1,13})?|UTC|GMT)$`), // see harmless
}

const (
	cronPart  = `(\*|\?|[0-9]{1,2}|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`
	cronField = cronPart + `([-/,]` + cronPart + `){0,4}`
)

// Harmless reports whether a value may be shown.
func (v *Vocabulary) Harmless(value string) bool {
	if zone, ok := strings.CutPrefix(value, "CRON_TZ="); ok {
		value = "TZ=" + zone
	}
	if zone, rest, ok := strings.Cut(value, " "); ok && strings.HasPrefix(zone, "TZ=") {
		return len(zone) <= 2*maxHarmless && v.Harmless(zone) && v.Harmless(strings.TrimSpace(rest))
	}
	if len(value) > maxHarmless {
		return false
	}
	return value == "" || slices.ContainsFunc(shapes, func(shape lazy.Pattern) bool { return shape().MatchString(value) }) || near(value, v.words)
}

// near reports whether it is one of the words, or one with a slip of the pen.
func near(value string, words map[string]bool) bool {
	if words[value] {
		return true
	}
	for w := range words {
		if len(w) > 3 && distance(plainCase(value), plainCase(w)) < min(3, len(value)) {
			return true
		}
	}
	return false
}

// plainWords are one to three words, the whole at most 16 letters long.
var plainWords = lazy.Regexp(`^\p{L}+([ _-]\p{L}+){0,2}$`)

// option reports whether the name of an option may be shown.
func (v *Vocabulary) option(name string) bool {
	return len(name) <= maxHarmless && near(name, v.options) || len([]rune(name)) <= 16 && plainWords().MatchString(name)
}

// nameWord is a part of a key's or store's name that no generator makes.
var nameWord = lazy.Regexp(`^([A-Z]?[a-z]{1,20}[0-9]{0,4}|[0-9]{1,4})$`)

// Name reports whether a key's or store's name may be shown.
func (v *Vocabulary) Name(s string) bool {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ._-", r) })
	capital := strings.ToLower(s) != s
	return len(words) > 0 && len(s) <= 63 && (!capital || len(s) <= maxHarmless) &&
		!slices.ContainsFunc(words, func(w string) bool { return !nameWord().MatchString(w) })
}

// A role is what a text in a file stands for.
type role int

const (
	roleHidden role = iota
	roleOption
	roleName
	roleValue
	roleChoice // the value of an option that takes one of a few words
)

func (v *Vocabulary) shows(r role, text string) bool {
	switch r {
	case roleOption:
		return v.option(text)
	case roleName:
		return v.Name(text)
	case roleValue:
		return v.Harmless(text)
	case roleChoice:
		return v.Harmless(text) || choice().MatchString(text)
	}
	return false
}

// choice is what people write for an option that takes one of a few words. A key of
// so few letters has been guessed already.
var choice = lazy.Regexp(`^([A-Za-z]{1,16}|[a-z]{1,2}[0-9])$`)

// Say quotes a value in a message, if it may be shown.
func (v *Vocabulary) Say(value string) string {
	if v.Harmless(value) {
		return strconv.Quote(value)
	}
	return "this value"
}

// Choice is a value, after what it should be one of: `unknown store type "s3"`. The
// value is left out where it may not be shown.
func (v *Vocabulary) Choice(what, value string) string {
	if v.shows(roleChoice, value) {
		return what + " " + strconv.Quote(value)
	}
	return what
}

// Only leaves those names that may be shown, for hints.
func (v *Vocabulary) Only(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return !v.Name(s) })
}

// Redact takes values that may not be shown out of another package's words.
func (v *Vocabulary) Redact(text string, n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && len(n.Value) > 2 && !v.Harmless(n.Value) {
		quoted := strconv.Quote(n.Value)
		text = strings.ReplaceAll(text, n.Value, "…")
		text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], "…")
	}
	for i, c := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			text = v.Redact(text, c)
		}
	}
	return text
}

// path renders an option's path.
func (v *Vocabulary) path(path string) string {
	var b strings.Builder
	parts := strings.Split(path, Separator)
	for i, part := range parts {
		r := roleOption
		if slices.Contains(v.form.Named, strings.Join(parts[:i], ".")) {
			r = roleName
		}
		switch index := strings.HasPrefix(part, "["); {
		case index:
		case i > 0:
			b.WriteByte('.')
		}
		switch {
		case !strings.HasPrefix(part, "[") && !v.shows(r, part):
			part = "…"
			if path == "" {
				part = ""
			}
		case !strings.HasPrefix(part, "[") && !name().MatchString(part):
			part = strconv.Quote(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// name is what stands in a path without quotes.
var name = lazy.Regexp(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}$`)

// Separator stands between the parts of a path, in which names of any kind are.
const Separator = "\x00"

// A part is a text of a file and where it stands, quotes included.
type part struct {
	column int // from 1
	source string
	value  string
	role   role
}

// learn notes the parts of a tree, so that excerpts can be cut from its lines.
func (s *source) learn(v *Vocabulary, n *yaml.Node, path []string, r role) {
	switch n.Kind {
	case yaml.ScalarNode:
		s.add(n, r)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			s.learn(v, c, path, r)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			named := slices.Contains(v.form.Named, strings.Join(path, "."))
			keyRole, below := roleOption, roleValue
			switch {
			case named:
				keyRole = roleName
			case r == roleHidden:
				keyRole, below = roleHidden, roleHidden
			case !v.options[key.Value] || slices.Contains(v.form.FreeText, key.Value):
				below = roleHidden
			case v.fixed[key.Value] && value.Kind != yaml.MappingNode:
				below = roleChoice
			}
			if key.Kind == yaml.ScalarNode {
				s.add(key, keyRole)
			}
			s.learn(v, value, append(slices.Clone(path), key.Value), below)
		}
	}
}

// add notes a text whose place in the source is beyond doubt.
func (s *source) add(n *yaml.Node, r role) {
	line := []rune(s.line(n.Line))
	if n.Column < 1 || n.Column > len(line) || n.Value == "" {
		return
	}
	written := n.Value
	if q := line[n.Column-1]; n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		written = string(q) + n.Value + string(q)
	}
	if strings.HasPrefix(string(line[n.Column-1:]), written) {
		s.parts[n.Line] = append(s.parts[n.Line], part{n.Column, written, n.Value, r})
	}
}

// token finds the words of a line that is not YAML.
var token = lazy.Regexp(`[^\s{}\[\],:"']+`)

// guess notes the parts of a line that no tree is known of: values count only
// after the name of an option that has harmless ones.
func (s *source) guess(v *Vocabulary, n int) []part {
	var parts []part
	text := s.line(n)
	below := roleHidden
	for _, at := range token().FindAllStringIndex(text, -1) {
		word, after := text[at[0]:at[1]], strings.TrimLeft(text[at[1]:], `"'`)
		r := below
		switch {
		case strings.HasPrefix(word, "#"):
			return parts
		case after == ":" || strings.HasPrefix(after, ": "):
			r, below = roleOption, roleHidden
			if v.options[word] && !slices.Contains(v.form.FreeText, word) {
				below = roleValue
			}
		}
		parts = append(parts, part{len([]rune(text[:at[0]])) + 1, word, word, r})
	}
	return parts
}

// cut is a line with what may be shown of it, and the new place of column.
func (s *source) cut(v *Vocabulary, n, column int) (shown []rune, at int) {
	text := []rune(strings.TrimRight(s.line(n), " \t"))
	parts := s.parts[n]
	if !s.parsed {
		parts = s.guess(v, n)
	}
	slices.SortFunc(parts, func(a, b part) int { return a.column - b.column })
	places := make([]int, len(text)+1)
	from := 0
	keep := func(to int) {
		for ; from < to; from++ {
			places[from] = len(shown)
			shown = append(shown, text[from])
		}
	}
	gap := func(to int) {
		first, last := from, to
		for first < to && structural(text, first) {
			first++
		}
		for last > first && structural(text, last-1) {
			last--
		}
		keep(first)
		if first < last {
			for ; from < last; from++ {
				places[from] = len(shown)
			}
			shown = append(shown, '…')
		}
		keep(to)
	}
	for _, p := range parts {
		start, end := p.column-1, p.column-1+len([]rune(p.source))
		if start < from || end > len(text) || !v.shows(p.role, p.value) {
			continue
		}
		gap(start)
		keep(end)
	}
	gap(len(text))
	places[len(text)] = len(shown)
	for i, r := range shown {
		if !unicode.IsPrint(r) {
			shown[i] = ' ' // one column wide, so that the caret stays right
		}
	}
	return shown, places[min(column-1, len(text))]
}

// structural reports whether a character gives a line its form.
func structural(text []rune, i int) bool {
	if text[i] == '-' {
		return i+1 < len(text) && text[i+1] == ' ' && strings.TrimLeft(string(text[:i]), " -") == ""
	}
	return strings.ContainsRune(" \t{}[],:", text[i])
}

// NewVocabulary is the options of a form, and their fixed values.
func NewVocabulary(f *Form) *Vocabulary {
	v := &Vocabulary{form: f, options: map[string]bool{}, fixed: map[string]bool{}, words: map[string]bool{}}
	for _, w := range f.Words {
		v.words[w] = true
	}
	for _, name := range f.Options {
		v.options[name], v.fixed[name] = true, true
	}
	v.of(typeOf(f.Document))
	for _, part := range f.Parts {
		v.of(typeOf(part))
	}
	return v
}

// valueOf is the type of an option's value.
func valueOf(t reflect.Type) reflect.Type {
	if o, ok := reflect.New(t).Interface().(Optional); ok {
		return reflect.TypeOf(o.Target()).Elem()
	}
	return t
}

// of adds the options of a type, and those within them.
func (v *Vocabulary) of(t reflect.Type) {
	t = valueOf(t)
	for _, c := range v.form.Choices(t) {
		v.words[c] = true
	}
	if t.Kind() != reflect.Struct {
		return
	}
	fields := FieldsOf(t)
	for _, name := range fields.Names {
		field := t.FieldByIndex(fields.Index[name]).Type
		one := valueOf(field)
		if one.Kind() == reflect.Slice {
			one = one.Elem()
		}
		v.options[name] = true
		v.fixed[name] = v.fixed[name] || v.form.Choices(one) != nil
		v.of(field)
	}
}

// learn takes in the names that a file gives, and its parts.
func (v *Vocabulary) learn(src *source, root *yaml.Node) {
	for _, section := range v.form.Named {
		entries := root
		for part := range strings.SplitSeq(section, ".") {
			entries = member(entries, part)
		}
		for j := 0; j < len(entries.Content); j += 2 {
			if name := entries.Content[j].Value; v.Name(name) {
				v.words[name] = true
			}
		}
	}
	src.learn(v, root, nil, roleValue)
	src.parsed = true
}

// member is the mapping of a name in a mapping; an empty one if there is none.
func member(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name && n.Content[i+1].Kind == yaml.MappingNode {
			return n.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// foreign reports whether a file is something else than a config: it has no
// section of one, not even a misspelt one.
func (f *Form) foreign(src *source, root *yaml.Node, unread bool) bool {
	if unread {
		return !slices.ContainsFunc(src.lines, func(line string) bool {
			name, _, ok := strings.Cut(strings.Trim(line, " \t{"), ":")
			return ok && f.isSection(strings.Trim(name, `"'`))
		})
	}
	if root == nil || root.Kind == yaml.MappingNode && len(root.Content) == 0 {
		return false
	}
	for i := 0; i < len(root.Content) && root.Kind == yaml.MappingNode; i += 2 {
		if f.isSection(root.Content[i].Value) {
			return false
		}
	}
	return true
}
