package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// durationPattern is what ParseDuration reads, but for its upper limit and the
// empty text.
const durationPattern = `^(\d+w)?(\d+d)?((\d+(\.\d*)?|\.\d+)(h|m|s|ms|us|µs|μs|ns))*$`

// Schema is the JSON Schema (2020-12) of a config with these types of stores,
// for editors. It requires no section, since each may stand in another file of
// a folder; Load knows more rules than a schema can tell.
func Schema(types Registry) ([]byte, error) {
	s := types.schema(reflect.TypeFor[document]())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "rotate: config"
	return json.MarshalIndent(s, "", "  ")
}

// schema describes a type as decoder.value reads it.
func (r Registry) schema(t reflect.Type) *jsonschema.Schema {
	if o, ok := reflect.New(t).Interface().(optional); ok {
		return r.schema(reflect.TypeOf(o.target()).Elem())
	}
	switch t {
	case reflect.TypeFor[storeSection]():
		return r.storeSchema()
	case reflect.TypeFor[outputSection]():
		return r.structSchema(reflect.TypeFor[outputOptions]())
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), Pattern: durationPattern}
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.structSchema(t)
	case reflect.Map:
		return &jsonschema.Schema{
			Types: []string{"object", "null"}, AdditionalProperties: r.schema(t.Elem()),
			PropertyNames: &jsonschema.Schema{Pattern: nameRule().String()},
		}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: r.schema(t.Elem())}
	case reflect.Int:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	}
	s := &jsonschema.Schema{Type: "string"}
	for _, c := range choices(t) {
		s.Enum = append(s.Enum, c)
	}
	return s
}

// structSchema is an object of the struct's options and no others.
func (r Registry) structSchema(t reflect.Type) *jsonschema.Schema {
	fields := fieldsOf(t)
	s := &jsonschema.Schema{
		Types: []string{"object", "null"}, Properties: map[string]*jsonschema.Schema{},
		PropertyOrder: fields.names, AdditionalProperties: nothing(),
	}
	for _, name := range fields.names {
		field := t.FieldByIndex(fields.index[name])
		property := r.schema(field.Type)
		property.Description = field.Tag.Get("doc")
		if text := field.Tag.Get("default"); text != "" {
			property.Default = json.RawMessage(strconv.Quote(text))
		}
		s.Properties[name] = property
	}
	return s
}

// storeSchema is one alternative a type of store, told apart by `type`.
func (r Registry) storeSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		one := r.structSchema(reflect.TypeOf(r[name]()).Elem())
		var constant any = name
		one.Types, one.Type = nil, "object"
		one.Title = fmt.Sprintf("a store of the type %s", name)
		one.Required = []string{"type"}
		one.Properties["type"] = &jsonschema.Schema{Const: &constant}
		one.PropertyOrder = append([]string{"type"}, one.PropertyOrder...)
		s.AnyOf = append(s.AnyOf, one)
	}
	return s
}

// nothing is the schema that refuses everything.
func nothing() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }
