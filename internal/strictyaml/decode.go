package strictyaml

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/lazy"
)

// A Decoder reads files into structs by their `yaml` tags. It differs from the
// YAML library's in what a person needs who has made several mistakes: it goes
// on after each, knows the place of every value, refuses what is set twice,
// in one file or in two, and takes no value for one of another type.
type Decoder struct {
	form      *Form
	first     *source          // the first file
	src       *source          // being read
	files     int              // that were begun
	set       map[string]Place // what was set, by path, in any file
	broken    map[string]bool  // sections of which a part could not be read, so that what is missing there means nothing
	fieldSets map[reflect.Type]FieldSet
	*report
}

// NewDecoder reads nothing yet.
func NewDecoder(f *Form) *Decoder {
	return &Decoder{form: f, set: map[string]Place{}, broken: map[string]bool{}, fieldSets: map[reflect.Type]FieldSet{}, report: &report{mask: &mask{form: f}}}
}

// Extra is what the form has for NodeReaders.
func (d *Decoder) Extra() any { return d.form.Extra }

// Base is the folder of the file that is being read, as an absolute path.
func (d *Decoder) Base() (string, error) { return filepath.Abs(filepath.Dir(d.src.name)) }

// Start is the beginning of the first file: the place of what is missing.
func (d *Decoder) Start() Place { return Place{src: d.first, Line: 1, column: 1} }

// IsEmpty reports whether no file has set anything.
func (d *Decoder) IsEmpty() bool { return len(d.set) == 0 }

// Lacks reports whether a part of a section could not be read, so that what is
// missing there means nothing.
func (d *Decoder) Lacks(section string) bool { return d.broken[section] }

// SetAt is where a path was set.
func (d *Decoder) SetAt(path string) Place { return d.set[path] }

// An Option is a value that remembers where it was set.
type Option[T any] struct {
	Value T
	At    Place // unknown if it was not set
	Bad   bool  // set, but to nothing usable: reported already
}

// Optional is what the decoder sees of an option.
type Optional interface {
	Target() any // pointer to the value
	mark(at Place, ok bool)
	Place() Place
	Refused() bool
	Spoil() // was meant to be set: nothing follows from its absence
}

var _ Optional = (*Option[string])(nil)

func (o *Option[T]) Target() any            { return &o.Value }
func (o *Option[T]) mark(at Place, ok bool) { o.At, o.Bad = at, !ok }
func (o *Option[T]) Place() Place           { return o.At }
func (o *Option[T]) Refused() bool          { return o.Bad }
func (o *Option[T]) Spoil()                 { o.Bad = true }

// A NodeReader decodes itself.
type NodeReader interface {
	Read(d *Decoder, n *yaml.Node, path string) bool
}

// At is the place of a node in the file being read.
func (d *Decoder) At(n *yaml.Node, path string) Place {
	return Place{src: d.src, Line: max(1, n.Line), column: max(1, n.Column), Path: path}
}

// simple refuses what a config has no use for, and what lets a small file
// stand for a huge one: anchors, aliases and types of one's own.
func (d *Decoder) simple(n *yaml.Node) bool {
	ok := true
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.Fail(d.At(n, ""), d.form.WhereShare, "anchors and aliases are not taken")
		ok = false
	}
	if n.Style&yaml.TaggedStyle != 0 {
		d.Fail(d.At(n, ""), "leave it out", "type tags are not taken")
		ok = false
	}
	if n.Kind == yaml.AliasNode {
		return false
	}
	for _, c := range n.Content {
		ok = d.simple(c) && ok
	}
	return ok
}

// Value decodes n into v and reports whether all of it was usable.
func (d *Decoder) Value(n *yaml.Node, v reflect.Value, path string) bool {
	switch x := v.Addr().Interface().(type) {
	case Optional:
		ok := d.Value(n, reflect.ValueOf(x.Target()).Elem(), path)
		x.mark(d.At(n, path), ok)
		return ok
	case NodeReader:
		return x.Read(d, n, path)
	case *time.Duration:
		return duration(d, n, x, path)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.Fields(n, v, path)
	case reflect.Map:
		return d.entries(n, v, path)
	case reflect.Slice:
		return d.items(n, v, path)
	case reflect.String:
		return text(d, n, v, path)
	case reflect.Int:
		return number(d, n, v, path)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		return scalar(d, n, path, "!!bool", "true or false", err == nil, func() { v.SetBool(b) })
	}
	d.Fail(d.At(n, path), "this is a mistake in "+d.form.Program, "options of the type %s are not read", v.Type())
	return false
}

// scalar calls set if the node is a single value of the type.
func scalar(d *Decoder, n *yaml.Node, path, tag, want string, ok bool, set func()) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == tag && ok {
		set()
		return true
	}
	hint := ""
	if tag == "!!str" && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		hint = "put it in quotes"
		if shown(d.at(path)) {
			hint += ": " + Quote(n.Value)
		}
	}
	d.Fail(d.At(n, path), hint, "wants %s, not %s", want, KindOf(n))
	return false
}

// digits are a whole number, however large.
var digits = lazy.Regexp(`^[0-9]+$`)

// number takes whole numbers. One that is too large for any option is told so,
// by the rules of the option where it has some.
func number(d *Decoder, n *yaml.Node, v reflect.Value, path string) bool {
	const most = math.MaxInt32
	i, err := strconv.Atoi(n.Value)
	if tag := n.ShortTag(); (tag == "!!int" || tag == "!!float") && digits().MatchString(n.Value) && (err != nil || i > most) {
		section, _, isOption := strings.Cut(path, Separator)
		if isOption && slices.Contains(d.form.OwnLimits, section) {
			v.SetInt(most)
			return true
		}
		d.Fail(d.At(n, path), "", "is more than %d", most)
		return false
	}
	return scalar(d, n, path, "!!int", "a whole number", err == nil, func() { v.SetInt(int64(i)) })
}

// KindOf names what stands there, without its value.
func KindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "a text"
}

// text takes strings, and of types with a fixed set of values only those.
func text(d *Decoder, n *yaml.Node, v reflect.Value, path string) bool {
	allowed := d.form.Choices(v.Type())
	fits := allowed == nil || slices.Contains(allowed, n.Value)
	if !scalar(d, n, path, "!!str", "a text", true, func() {
		if fits {
			v.SetString(n.Value)
		}
	}) {
		return false
	}
	if !fits {
		d.Fail(d.At(n, path), DidYouMean(n.Value, allowed), "unknown value %s", Quote(n.Value))
	}
	return fits
}

func duration(d *Decoder, n *yaml.Node, to *time.Duration, path string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return scalar(d, n, path, "!!str", "a duration", false, nil)
	}
	parsed, err := ParseDuration(n.Value)
	switch {
	case errors.Is(err, errLong):
		d.Fail(d.At(n, path), "", "%s %v", Quote(n.Value), errLong)
		return false
	case err != nil:
		hint := durationHint(n.Value)
		if d.isSchedule(n.Value, path) {
			hint = "that is a schedule; write it as schedule: " + Quote(n.Value)
		}
		d.Fail(d.At(n, path), hint, "%v", err)
		return false
	}
	*to = parsed
	return true
}

// isSchedule reports whether cron's text stands after every, where schedule may stand as well.
func (d *Decoder) isSchedule(text, path string) bool {
	section, isEvery := strings.CutSuffix(path, Separator+"every")
	return isEvery && (strings.HasPrefix(text, "@") || len(strings.Fields(text)) == 5) && member(d.at(section), "schedule") != nil
}

func (d *Decoder) items(n *yaml.Node, v reflect.Value, path string) bool {
	if n.Kind != yaml.SequenceNode {
		return scalar(d, n, path, "", "a list", false, nil)
	}
	ok := true
	for i, item := range n.Content {
		e := reflect.New(v.Type().Elem()).Elem()
		ok = d.Value(item, e, fmt.Sprintf("%s%s[%d]", path, Separator, i)) && ok
		v.Set(reflect.Append(v, e))
	}
	return ok
}

// Fields decodes a mapping into a struct; a mapping with nothing in it, as it
// is left when all lines are commented out, is an empty one.
func (d *Decoder) Fields(n *yaml.Node, v reflect.Value, path string) bool {
	fields, known := d.fieldSets[v.Type()]
	if !known {
		fields = FieldsOf(v.Type())
		d.fieldSets[v.Type()] = fields
	}
	return d.pairs(n, path, func(key, value *yaml.Node, at string) bool {
		f, known := fields.Index[key.Value]
		if !known {
			d.unknown(key, at, fields.Names)
			d.meant(key.Value, path, v, fields)
			return false
		}
		field := v.FieldByIndex(f)
		// The parts of a section may stand in several files, each part in one.
		return d.Once(key, at, isSection(field)) && d.Value(value, field, at)
	})
}

// entries decodes a mapping with names of one's own.
func (d *Decoder) entries(n *yaml.Node, v reflect.Value, path string) bool {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	return d.pairs(n, path, func(key, value *yaml.Node, at string) bool {
		if !d.Once(key, at, false) {
			return false
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		ok := d.Value(value, entry, at)
		if !d.broken[at] {
			v.SetMapIndex(reflect.ValueOf(key.Value), entry)
		}
		d.broken[path] = d.broken[path] || d.broken[at]
		return ok
	})
}

// pairs calls each for the names and values of a mapping.
func (d *Decoder) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node, at string) bool) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return true
	}
	if n.Kind != yaml.MappingNode {
		d.broken[path] = true
		return scalar(d, n, path, "", "names with values", false, nil)
	}
	ok := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" || key.ShortTag() == "!!merge" {
			d.Fail(d.At(key, path), d.form.WhereShare, "wants a name before the colon")
			ok = false
			continue
		}
		ok = each(key, value, Join(path, key.Value)) && ok
	}
	return ok
}

// Once notes where a path is set, and refuses it a second time. A section may
// come again, but not in the same file.
func (d *Decoder) Once(key *yaml.Node, path string, section bool) bool {
	first, again := d.set[path]
	if !again {
		d.set[path] = d.At(key, path)
	}
	if !again || section && first.src != d.src {
		return true
	}
	d.Fail(d.At(key, path), "keep one of the two", "is set already, in %s:%d", first.src.name, first.Line)
	return false
}

// unknown refuses a field.
func (d *Decoder) unknown(key *yaml.Node, path string, names []string) {
	msg, hint := d.form.Unknown(key.Value)
	if msg == "" {
		msg, hint = "unknown option", DidYouMean(key.Value, names)
	}
	d.Fail(d.At(key, path), hint, "%s", msg)
}

// meant keeps what was only misspelt from being reported as missing, too, or
// from being taken for its default.
func (d *Decoder) meant(written, path string, v reflect.Value, fields FieldSet) {
	name := nearest(written, fields.Names)
	if name == "" {
		return
	}
	field := v.FieldByIndex(fields.Index[name])
	o, ok := field.Addr().Interface().(Optional)
	switch {
	case !ok:
		d.broken[Join(path, name)] = true
	case !o.Place().Known():
		o.Spoil()
	}
}

// Join is the path of a field of what is at path.
func Join(path, field string) string {
	if path == "" {
		return field
	}
	return path + Separator + field
}
