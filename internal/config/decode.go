package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/internal/stores"
)

// A decoder reads files into structs by their `yaml` tags. It differs from the
// YAML library's in what a person needs who has made several mistakes: it goes
// on after each, knows the place of every value, refuses what is set twice,
// in one file or in two, and takes no value for one of another type.
type decoder struct {
	registry stores.Registry
	first    *source          // the first file
	src      *source          // being read
	set      map[string]place // what was set, by path, in any file
	broken   map[string]bool  // sections of which a part could not be read, so that what is missing there means nothing
	mistakes []mistake
	warnings []mistake
	fieldSet map[reflect.Type]fieldSet
	*vocabulary
}

func newDecoder(types stores.Registry) *decoder {
	return &decoder{registry: types, set: map[string]place{}, broken: map[string]bool{}, fieldSet: map[reflect.Type]fieldSet{}, vocabulary: newVocabulary(types)}
}

// An option is a value that remembers where it was set.
type option[T any] struct {
	value T
	at    place // unknown if it was not set
	bad   bool  // set, but to nothing usable: reported already
}

// optional is what the decoder sees of an option.
type optional interface {
	target() any // pointer to the value
	mark(at place, ok bool)
	place() place
	refused() bool
	spoil() // was meant to be set: nothing follows from its absence
}

func (o *option[T]) target() any            { return &o.value }
func (o *option[T]) mark(at place, ok bool) { o.at, o.bad = at, !ok }
func (o *option[T]) place() place           { return o.at }
func (o *option[T]) refused() bool          { return o.bad }
func (o *option[T]) spoil()                 { o.bad = true }

// A nodeReader decodes itself.
type nodeReader interface {
	read(d *decoder, n *yaml.Node, path string) bool
}

// at is the place of a node in the file being read.
func (d *decoder) at(n *yaml.Node, path string) place {
	return place{src: d.src, line: max(1, n.Line), column: max(1, n.Column), path: path}
}

func (d *decoder) fail(at place, hint, format string, args ...any) {
	d.mistakes = append(d.mistakes, mistake{at, fmt.Sprintf(format, args...), hint})
}

// simple refuses what this config has no use for, and what lets a small file
// stand for a huge one: anchors, aliases and types of one's own.
func (d *decoder) simple(n *yaml.Node) bool {
	ok := true
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.fail(d.at(n, ""), "what several keys share belongs under defaults:", "anchors and aliases are not taken")
		ok = false
	}
	if n.Style&yaml.TaggedStyle != 0 {
		d.fail(d.at(n, ""), "leave it out", "type tags are not taken")
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

// value decodes n into v and reports whether all of it was usable.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) bool {
	switch x := v.Addr().Interface().(type) {
	case optional:
		ok := d.value(n, reflect.ValueOf(x.target()).Elem(), path)
		x.mark(d.at(n, path), ok)
		return ok
	case nodeReader:
		return x.read(d, n, path)
	case *time.Duration:
		return d.duration(n, x, path)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.fields(n, v, path)
	case reflect.Map:
		return d.entries(n, v, path)
	case reflect.Slice:
		return d.items(n, v, path)
	case reflect.String:
		return d.text(n, v, path)
	case reflect.Int:
		return d.number(n, v, path)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		return d.scalar(n, path, "!!bool", "true or false", err == nil, func() { v.SetBool(b) })
	}
	d.fail(d.at(n, path), "this is a mistake in rotate", "options of the type %s are not read", v.Type())
	return false
}

// scalar calls set if the node is a single value of the type.
func (d *decoder) scalar(n *yaml.Node, path, tag, want string, ok bool, set func()) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == tag && ok {
		set()
		return true
	}
	hint := ""
	if tag == "!!str" && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		hint = "put it in quotes"
		if d.harmless(n.Value) {
			hint += ": " + strconv.Quote(n.Value)
		}
	}
	d.fail(d.at(n, path), hint, "wants %s, not %s", want, kindOf(n))
	return false
}

// digits are a whole number, however large.
var digits = lazy.Regexp(`^[0-9]+$`)

// number takes whole numbers. One that is too large for any option is told so,
// by the rules of the option where it has some.
func (d *decoder) number(n *yaml.Node, v reflect.Value, path string) bool {
	const most = math.MaxInt32
	i, err := strconv.Atoi(n.Value)
	if tag := n.ShortTag(); (tag == "!!int" || tag == "!!float") && digits().MatchString(n.Value) && (err != nil || i > most) {
		if isOption := strings.HasPrefix(path, "keys"+separator) || strings.HasPrefix(path, "defaults"+separator); isOption {
			v.SetInt(most) // keygen knows the range
			return true
		}
		d.fail(d.at(n, path), "", "is more than %d", most)
		return false
	}
	return d.scalar(n, path, "!!int", "a whole number", err == nil, func() { v.SetInt(int64(i)) })
}

// kindOf names what stands there, without its value.
func kindOf(n *yaml.Node) string {
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
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) bool {
	allowed := choices(v.Type())
	fits := allowed == nil || slices.Contains(allowed, n.Value)
	if !d.scalar(n, path, "!!str", "a text", true, func() {
		if fits {
			v.SetString(n.Value)
		}
	}) {
		return false
	}
	if !fits {
		d.fail(d.at(n, path), didYouMean(n.Value, allowed), "%s is not one of its values", d.say(n.Value))
	}
	return fits
}

func (d *decoder) duration(n *yaml.Node, to *time.Duration, path string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return d.scalar(n, path, "!!str", "a duration", false, nil)
	}
	parsed, err := ParseDuration(n.Value)
	switch {
	case errors.Is(err, errLong):
		d.fail(d.at(n, path), "", "%s %v", d.say(n.Value), errLong)
		return false
	case err != nil && d.harmless(n.Value):
		d.fail(d.at(n, path), durationHint(n.Value), "%v", err)
		return false
	case err != nil:
		d.fail(d.at(n, path), durationHint(""), "is not a duration")
		return false
	}
	*to = parsed
	return true
}

func (d *decoder) items(n *yaml.Node, v reflect.Value, path string) bool {
	if n.Kind != yaml.SequenceNode {
		return d.scalar(n, path, "", "a list", false, nil)
	}
	ok := true
	for i, item := range n.Content {
		e := reflect.New(v.Type().Elem()).Elem()
		ok = d.value(item, e, fmt.Sprintf("%s%s[%d]", path, separator, i)) && ok
		v.Set(reflect.Append(v, e))
	}
	return ok
}

// fields decodes a mapping into a struct; a mapping with nothing in it, as it
// is left when all lines are commented out, is an empty one.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, path string) bool {
	fields, known := d.fieldSet[v.Type()]
	if !known {
		fields = fieldsOf(v.Type())
		d.fieldSet[v.Type()] = fields
	}
	return d.pairs(n, path, func(key, value *yaml.Node, at string) bool {
		f, known := fields.index[key.Value]
		if !known {
			d.unknown(key, at, fields.names)
			d.meant(key.Value, path, v, fields)
			return false
		}
		field := v.FieldByIndex(f)
		// The parts of a section may stand in several files, each part in one.
		return d.once(key, at, isSection(field)) && d.value(value, field, at)
	})
}

// entries decodes a mapping with names of one's own.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, path string) bool {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	return d.pairs(n, path, func(key, value *yaml.Node, at string) bool {
		if !d.once(key, at, false) {
			return false
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		ok := d.value(value, entry, at)
		if !d.broken[at] {
			v.SetMapIndex(reflect.ValueOf(key.Value), entry)
		}
		d.broken[path] = d.broken[path] || d.broken[at]
		return ok
	})
}

// pairs calls each for the names and values of a mapping.
func (d *decoder) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node, at string) bool) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return true
	}
	if n.Kind != yaml.MappingNode {
		d.broken[path] = true
		return d.scalar(n, path, "", "names with values", false, nil)
	}
	ok := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" || key.ShortTag() == "!!merge" {
			d.fail(d.at(key, path), "what several keys share belongs under defaults:", "wants a name before the colon")
			ok = false
			continue
		}
		ok = each(key, value, join(path, key.Value)) && ok
	}
	return ok
}

// once notes where a path is set, and refuses it a second time. A section may
// come again, but not in the same file.
func (d *decoder) once(key *yaml.Node, path string, section bool) bool {
	first, again := d.set[path]
	if !again {
		d.set[path] = d.at(key, path)
	}
	if !again || section && first.src != d.src {
		return true
	}
	d.fail(d.at(key, path), "keep one of the two", "is set already, in %s:%d", first.src.name, first.line)
	return false
}

// unknown refuses a field.
func (d *decoder) unknown(key *yaml.Node, path string, names []string) {
	at := d.at(key, path)
	switch {
	case key.Value == "outputs":
		d.fail(at, "such as: keys: {auth-jwt: {outputs: [{format: env, path: ./.env}]}}", "outputs are of one key and stand under it")
	case credential().MatchString(key.Value + ":"):
		d.fail(at, "no credential stands in this file: rotate takes those of its surroundings (workload identity, instance role, environment variables)", "unknown option")
	default:
		d.fail(at, didYouMean(key.Value, names), "unknown option")
	}
}

// meant keeps what was only misspelt from being reported as missing, too, or
// from being taken for its default.
func (d *decoder) meant(written, path string, v reflect.Value, fields fieldSet) {
	name := nearest(written, fields.names)
	if name == "" {
		return
	}
	field := v.FieldByIndex(fields.index[name])
	o, ok := field.Addr().Interface().(optional)
	switch {
	case !ok:
		d.broken[join(path, name)] = true
	case !o.place().known():
		o.spoil()
	}
}

// join is the path of a field of what is at path.
func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + separator + field
}
