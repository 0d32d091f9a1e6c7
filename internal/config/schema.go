package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/stores"
)

// A jsonSchema is what a config needs of JSON Schema, in the order in which it
// is printed. A member that is false refuses everything (2020-12 core, 4.3.2).
type jsonSchema struct {
	Type                 any          `json:"type,omitempty"` // a name, or a list of them
	Properties           properties   `json:"properties,omitzero"`
	Items                *jsonSchema  `json:"items,omitempty"`
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
	PropertyNames        *jsonSchema  `json:"propertyNames,omitempty"`
	AnyOf                []jsonSchema `json:"anyOf,omitempty"`
}

// properties are those of an object, in the order of its options.
type properties []property

type property struct {
	name   string
	schema *jsonSchema
}

// MarshalJSON implements json.Marshaler: an object, in this order.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(one.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", one.name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// objectOrNull are the types of a section: one without options reads as null.
var objectOrNull = []string{"object", "null"}

// durationPattern is what ParseDuration reads, but for its upper limit and the
// empty text.
const durationPattern = `^(\d+w)?(\d+d)?((\d+(\.\d*)?|\.\d+)(h|m|s|ms|us|µs|μs|ns))*$`

// Schema is the JSON Schema (2020-12) of a config with these types of stores,
// for editors. It requires no section, since each may stand in another file of
// a folder; Load knows more rules than a schema can tell.
func Schema(types stores.Registry) ([]byte, error) {
	s := schemas{types}.schema(reflect.TypeFor[document]())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "rotate: config"
	return json.MarshalIndent(s, "", "  ")
}

// schemas describes types. Those of stores come from the registry.
type schemas struct{ types stores.Registry }

// schema describes a type as decoder.value reads it.
func (r schemas) schema(t reflect.Type) *jsonSchema {
	if o, ok := reflect.New(t).Interface().(optional); ok {
		return r.schema(reflect.TypeOf(o.target()).Elem())
	}
	switch t {
	case reflect.TypeFor[storeSection]():
		return r.storeSchema()
	case reflect.TypeFor[outputSection]():
		return r.structSchema(reflect.TypeFor[outputOptions]())
	case reflect.TypeFor[time.Duration]():
		return &jsonSchema{Type: "string", MinLength: 1, Pattern: durationPattern}
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.structSchema(t)
	case reflect.Map:
		return &jsonSchema{
			Type: objectOrNull, AdditionalProperties: r.schema(t.Elem()),
			PropertyNames: &jsonSchema{Pattern: nameRule().String()},
		}
	case reflect.Slice:
		return &jsonSchema{Type: "array", Items: r.schema(t.Elem())}
	case reflect.Int:
		return &jsonSchema{Type: "integer"}
	case reflect.Bool:
		return &jsonSchema{Type: "boolean"}
	}
	return &jsonSchema{Type: "string", Enum: choices(t)}
}

// structSchema is an object of the struct's options and no others.
func (r schemas) structSchema(t reflect.Type) *jsonSchema {
	fields := fieldsOf(t)
	s := &jsonSchema{Type: objectOrNull, Properties: properties{}, AdditionalProperties: false}
	for _, name := range fields.names {
		field := t.FieldByIndex(fields.index[name])
		option := r.schema(field.Type)
		option.Description, option.Default = field.Tag.Get("doc"), field.Tag.Get("default")
		s.Properties = append(s.Properties, property{name, option})
	}
	return s
}

// storeSchema is one alternative a type of store, told apart by `type`.
func (r schemas) storeSchema() *jsonSchema {
	s := &jsonSchema{}
	for _, name := range slices.Sorted(maps.Keys(r.types)) {
		one := r.structSchema(reflect.TypeOf(r.types[name]()).Elem())
		one.Type, one.Title, one.Required = "object", fmt.Sprintf("a store of the type %s", name), []string{"type"}
		one.Properties = slices.Insert(one.Properties, 0, property{"type", &jsonSchema{Const: name}})
		s.AnyOf = append(s.AnyOf, *one)
	}
	return s
}
