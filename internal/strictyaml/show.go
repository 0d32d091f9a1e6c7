package strictyaml

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/lazy"
)

// Somebody will put a key where an option belongs, or name the wrong file with -c. What can hold key material, the
// schema says: the options that it marks as writeOnly, what is no option of it, and a text where a section belongs.
// Their values are shown as "…". Names, and the values of all other options, are shown as they were typed.

// A mask hides values that can be key material. A config without mistakes needs none.
type mask struct {
	form   *Form
	schema *JSONSchema     // see whole
	plain  map[string]bool // by option: its value is shown wherever it stands
}

// whole is the schema of a whole config.
func (m *mask) whole() []*JSONSchema {
	if m.schema == nil {
		m.schema = m.form.Schema(typeOf(m.form.Document))
	}
	return []*JSONSchema{m.schema}
}

// option reports whether there is an option of this name, and whether its value is shown wherever it stands.
func (m *mask) option(name string) (shows, known bool) {
	if m.plain == nil {
		m.plainOptions()
	}
	shows, known = m.plain[name]
	return shows, known
}

func (m *mask) plainOptions() {
	m.plain = map[string]bool{}
	hidden := map[string]bool{}
	m.whole()[0].options(func(name string, s *JSONSchema) {
		m.plain[name] = m.plain[name] || shown([]*JSONSchema{s})
		hidden[name] = hidden[name] || s.WriteOnly
	})
	for name := range hidden {
		m.plain[name] = m.plain[name] && !hidden[name]
	}
}

// options calls each for every option within s.
func (s *JSONSchema) options(each func(name string, s *JSONSchema)) {
	for _, p := range s.Properties {
		each(p.Name, p.Schema)
		p.Schema.options(each)
	}
	for i := range s.AnyOf {
		s.AnyOf[i].options(each)
	}
	if s.Items != nil {
		s.Items.options(each)
	}
	if rest, ok := s.AdditionalProperties.(*JSONSchema); ok {
		rest.options(each)
	}
}

// alternatives are what one value may be, by these schemas.
func alternatives(all []*JSONSchema) (flat []*JSONSchema) {
	for _, s := range all {
		flat = append(flat, s)
		for i := range s.AnyOf {
			flat = append(flat, alternatives([]*JSONSchema{&s.AnyOf[i]})...)
		}
	}
	return flat
}

// member is what the schemas have for a name in a mapping; nil if none knows it.
func member(all []*JSONSchema, name string) (found []*JSONSchema) {
	for _, s := range alternatives(all) {
		at := slices.IndexFunc(s.Properties, func(p Property) bool { return p.Name == name })
		if at >= 0 {
			found = append(found, s.Properties[at].Schema)
		} else if rest, ok := s.AdditionalProperties.(*JSONSchema); ok {
			found = append(found, rest)
		}
	}
	return found
}

// Member is the value of a name in a mapping; nil if there is none.
func Member(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// items is what the schemas have for an entry of a list. Where none has a list, an entry is judged as the option is.
func items(all []*JSONSchema) (found []*JSONSchema) {
	for _, s := range alternatives(all) {
		switch {
		case s.WriteOnly:
			return []*JSONSchema{s}
		case s.Items != nil:
			found = append(found, s.Items)
		}
	}
	if found == nil {
		return all
	}
	return found
}

// shown reports whether the schemas have an option with a single value here, and none of them hides it.
func shown(all []*JSONSchema) (single bool) {
	for _, s := range alternatives(all) {
		if s.WriteOnly {
			return false
		}
		single = single || s.Const != "" || slices.Contains([]any{"string", "integer", "boolean"}, s.Type)
		if s.Items != nil {
			single = single || shown([]*JSONSchema{s.Items})
		}
	}
	return single
}

// walk calls visit for each name and single value below n, and tells whether it may be shown.
func walk(n *yaml.Node, all []*JSONSchema, visit func(n *yaml.Node, shown bool)) {
	switch n.Kind {
	case yaml.ScalarNode:
		visit(n, shown(all))
	case yaml.SequenceNode:
		for _, c := range n.Content {
			walk(c, items(all), visit)
		}
	case yaml.MappingNode:
		all = fitting(n, all)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind == yaml.ScalarNode {
				visit(key, isName(key.Value))
			}
			walk(n.Content[i+1], member(all, key.Value), visit)
		}
	}
}

// fitting leaves out the alternatives that say another type than the mapping does. All are left where none says its type.
func fitting(n *yaml.Node, all []*JSONSchema) []*JSONSchema {
	typ := Member(n, "type")
	if typ == nil {
		return all
	}
	var fits []*JSONSchema
	for _, s := range alternatives(all) {
		own := member([]*JSONSchema{{Properties: s.Properties}}, "type")
		if len(own) == 1 && own[0].Const == typ.Value {
			fits = append(fits, s)
		}
	}
	if fits == nil {
		return all
	}
	return fits
}

// maxName is the length of the longest name of an option, a key or a store. A longer one is something else.
const maxName = 63

func isName(s string) bool { return len(s) <= maxName }

// Quote quotes a value in a message. Characters that a terminal would act on are escaped, and a long value is cut.
func Quote(value string) string {
	const most = 100
	if runes := []rune(value); len(runes) > most {
		value = string(runes[:most]) + "…"
	}
	return strconv.Quote(value)
}

// Redact takes values that may not be shown out of another package's words about what stands at path.
func (m *mask) Redact(text string, n *yaml.Node, path string) string {
	walk(n, m.at(path), func(n *yaml.Node, shown bool) {
		if shown || len(n.Value) <= 2 {
			return
		}
		quoted := strconv.Quote(n.Value)
		text = strings.ReplaceAll(text, n.Value, "…")
		text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], "…")
	})
	return text
}

// at is what the schema has for a path.
func (m *mask) at(path string) []*JSONSchema {
	all := m.whole()
	for part := range strings.SplitSeq(path, Separator) {
		if strings.HasPrefix(part, "[") {
			all = items(all)
		} else {
			all = member(all, part)
		}
	}
	return all
}

// pathText renders an option's path.
func pathText(path string) string {
	var b strings.Builder
	for i, part := range strings.Split(path, Separator) {
		index := strings.HasPrefix(part, "[")
		switch {
		case path == "" || index:
		case !isName(part):
			part = "…"
		case !name().MatchString(part):
			part = strconv.Quote(part)
		}
		if i > 0 && !index {
			b.WriteByte('.')
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
	shown  bool
}

// learn notes the parts of the file, so that excerpts can be cut from its lines.
func (s *source) learn(m *mask) {
	s.parts = map[int][]part{}
	walk(s.root, m.whole(), func(n *yaml.Node, shown bool) {
		// Only what stands in the source beyond doubt counts.
		line := []rune(s.line(n.Line))
		if n.Column < 1 || n.Column > len(line) || n.Value == "" {
			return
		}
		written := n.Value
		if q := line[n.Column-1]; n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			written = string(q) + n.Value + string(q)
		}
		if strings.HasPrefix(string(line[n.Column-1:]), written) {
			s.parts[n.Line] = append(s.parts[n.Line], part{n.Column, written, shown})
		}
	})
}

// token finds the words of a line that is not YAML.
var token = lazy.Regexp(`[^\s{}\[\],:"']+`)

// guess notes the parts of a line that no tree is known of: names where one can begin, and what follows an option
// whose values are shown.
func (s *source) guess(m *mask, n int) []part {
	var parts []part
	text := s.line(n)
	below := false
	for _, at := range token().FindAllStringIndex(text, -1) {
		word, after := text[at[0]:at[1]], strings.TrimLeft(text[at[1]:], `"'`)
		show := below
		switch {
		case strings.HasPrefix(word, "#"):
			return parts
		case after == ":" || strings.HasPrefix(after, ": "):
			plain, known := m.option(word)
			before := strings.TrimRight(text[:at[0]], " \t\"'")
			begins := before == "" || strings.ContainsAny(before[len(before)-1:], "{,-")
			show, below = known || begins && isName(word), plain
		}
		parts = append(parts, part{len([]rune(text[:at[0]])) + 1, word, show})
	}
	return parts
}

// cut is a line with what may be shown of it, and the new place of column.
func (s *source) cut(m *mask, n, column int) (shown []rune, at int) {
	text := []rune(strings.TrimRight(s.line(n), " \t"))
	if s.root != nil && s.parts == nil {
		s.learn(m)
	}
	parts := s.parts[n]
	if s.root == nil {
		parts = s.guess(m, n)
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
		if start < from || end > len(text) || !p.shown {
			continue
		}
		gap(start)
		keep(end)
	}
	gap(len(text))
	places[len(text)] = len(shown)
	for i, r := range shown {
		switch { // one column wide, so that the caret stays right
		case r == '\t':
			shown[i] = ' '
		case !unicode.IsPrint(r):
			shown[i] = '?'
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
