// Package strictyaml reads configs for people: YAML into structs by their `yaml`
// tags, from one file or a folder of files that add up.
//
//   - Every mistake is reported at once, with its place, an excerpt and a hint.
//   - What is unknown, set twice or of another type is refused. So are anchors,
//     aliases and tags, by which a small file stands for a huge one.
//   - No value is shown of what can hold key material: options with the tag `masked:"true"`, and what is no option.
//
// What a certain config looks like is a Form. A Decoder reads one config and is not
// safe for concurrent use.
package strictyaml

import (
	"reflect"
	"slices"
)

// A Form is what one kind of config has and a reader cannot know.
type Form struct {
	Program     string   // whose config it is
	Document    any      // pointer to the struct of a whole config
	OwnLimits   []string // sections whose numbers have limits of their own, which are better told than the reader's
	Misplaced   []string // options that people take for a section
	NamePattern string   // of the user's own names, for the schema
	Example     string   // a file that shows a config, for hints
	WhereShare  string   // where to write what several entries share, for hints
	Extra       any      // for the NodeReaders

	// Choices are the values that a type is limited to; nil if it is not.
	Choices func(reflect.Type) []string
	// Unknown words the mistake of an option that nobody knows; msg is "" for the
	// usual words, with the option that was probably meant.
	Unknown func(name string) (msg, hint string)
}

// sections are the names of the parts of a whole config.
func (f *Form) sections() []string { return FieldsOf(typeOf(f.Document)).Names }

// isSection reports whether a file may have a part of this name.
func (f *Form) isSection(name string) bool {
	return slices.Contains(f.Misplaced, name) || len(name) > 3 && nearest(name, f.sections()) != ""
}

func typeOf(pointer any) reflect.Type { return reflect.TypeOf(pointer).Elem() }
