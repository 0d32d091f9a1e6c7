package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// A JSONSchema is what a config needs of JSON Schema, in the order in which it
// is printed. A member that is false refuses everything (2020-12 core, 4.3.2).
type JSONSchema struct {
	Type                 any          `json:"type,omitempty"` // a name, or a list of them
	Properties           Properties   `json:"properties,omitzero"`
	Items                *JSONSchema  `json:"items,omitempty"`
	Schema               string       `json:"$schema,omitempty"`
	Title                string       `json:"title,omitempty"`
	Description          string       `json:"description,omitempty"`
	Default              string       `json:"default,omitempty"`
	Enum                 []string     `json:"enum,omitempty"`
	Const                string       `json:"const,omitempty"`
	MinLength            int          `json:"minLength,omitempty"`
	Pattern              string       `json:"pattern,omitempty"`
	Required             []string     `json:"required,omitempty"`
	AdditionalProperties any          `json:"additionalProperties,omitempty"` // *jsonSchema, or false
	PropertyNames        *JSONSchema  `json:"propertyNames,omitempty"`
	WriteOnly            bool         `json:"writeOnly,omitempty"` // can hold key material: no message shows the value
	AnyOf                []JSONSchema `json:"anyOf,omitempty"`
}

// Properties are those of an object, in the order of its options.
type Properties []Property

type Property struct {
	Name   string
	Schema *JSONSchema
}

// MarshalJSON implements json.Marshaler: an object, in this order.
func (p Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(one.Schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", one.Name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// objectOrNull are the types of a section: one without options reads as null.
var objectOrNull = []string{"object", "null"}

// DurationPattern is what ParseDuration reads, but for its upper limit and the
// empty text.
const DurationPattern = `^(\d+w)?(\d+d)?((\d+(\.\d*)?|\.\d+)(h|m|s|ms|us|µs|μs|ns))*$`

// A Describer is a NodeReader that knows its schema.
type Describer interface {
	Describe(f *Form) *JSONSchema
}

// Printed is the JSON Schema (2020-12) of a whole config, for editors. It requires
// no section, since each may stand in another file of a folder.
func (f *Form) Printed(title string) ([]byte, error) {
	s := f.Schema(typeOf(f.Document))
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = title
	return json.MarshalIndent(s, "", "  ")
}

// Schema describes a type as decoder.value reads it. Names of the user's own have
// the pattern names.
func (f *Form) Schema(t reflect.Type) *JSONSchema {
	switch x := reflect.New(t).Interface().(type) {
	case Optional:
		return f.Schema(typeOf(x.Target()))
	case Describer:
		return x.Describe(f)
	case *time.Duration:
		return &JSONSchema{Type: "string", MinLength: 1, Pattern: DurationPattern}
	}
	switch t.Kind() {
	case reflect.Struct:
		return f.StructSchema(t)
	case reflect.Map:
		s := &JSONSchema{Type: objectOrNull, AdditionalProperties: f.Schema(t.Elem())}
		if t.Elem().Kind() != reflect.String { // tags, labels and annotations have names by the service's rules
			s.PropertyNames = &JSONSchema{Pattern: f.NamePattern}
		}
		return s
	case reflect.Slice:
		return &JSONSchema{Type: "array", Items: f.Schema(t.Elem())}
	case reflect.Int:
		return &JSONSchema{Type: "integer"}
	case reflect.Bool:
		return &JSONSchema{Type: "boolean"}
	}
	return &JSONSchema{Type: "string", Enum: f.Choices(t)}
}

// StructSchema is an object of the struct's options and no others.
func (f *Form) StructSchema(t reflect.Type) *JSONSchema {
	fields := FieldsOf(t)
	s := &JSONSchema{Type: objectOrNull, Properties: Properties{}, AdditionalProperties: false}
	for _, name := range fields.Names {
		field := t.FieldByIndex(fields.Index[name])
		option := f.Schema(field.Type)
		option.Description, option.Default = field.Tag.Get("doc"), field.Tag.Get("default")
		option.WriteOnly = field.Tag.Get("masked") == "true"
		s.Properties = append(s.Properties, Property{name, option})
	}
	return s
}
