package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/internal/notify"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// example shows a config.
const example = "config.example.yaml"

// formOf is what a config of rotate with these types of stores looks like.
func formOf(types stores.Registry) *strictyaml.Form {
	return &strictyaml.Form{
		Program: "rotate", Document: new(document), OwnLimits: []string{"keys", "defaults"}, // keygen knows the range
		NamePattern: nameRule().String(),
		Misplaced:   []string{"outputs"},
		Example:     example, WhereShare: "what several keys share belongs under defaults:",
		Extra: types, Choices: choices, Unknown: unknown,
	}
}

// unknown words the mistakes that people make with options which are none.
func unknown(name string) (msg, hint string) {
	switch {
	case name == "outputs":
		return "outputs are of one key and stand under it", "such as: keys: {auth-jwt: {outputs: [{format: env, path: ./.env}]}}"
	case credential().MatchString(name + ":"):
		return "unknown option", "no credential stands in this file: rotate takes those of its surroundings (workload identity, instance role, environment variables)"
	}
	return "", ""
}

// credential finds field names that hold credentials, in any other program's
// spelling, and PEM.
var credential = lazy.Regexp(`(?i)(pass(word|wd|phrase)?|token|credentials?|(secret|private|access|api|account)[ _-]?(access[ _-]?)?key([ _-]?id)?|client[ _-]?secret|secret[ _-]?(id|value|string)|connection[ _-]?string)["']?\s*[:=]|-----BEGIN`)

// choices are the values that a type is limited to; nil if it is not.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[keyset.Algorithm]():
		return texts(keyset.Algorithms())
	case reflect.TypeFor[keyset.Encoding]():
		return texts([]keyset.Encoding{keyset.Base64URL, keyset.Base64, keyset.Hex})
	case reflect.TypeFor[format.Format]():
		return texts(append(format.All(), format.Templated))
	case reflect.TypeFor[endpoint.Set]():
		return texts(endpoint.Sets())
	case reflect.TypeFor[notify.Format]():
		return texts(notify.Formats())
	case reflect.TypeFor[notify.Kind]():
		return texts(notify.Kinds())
	case reflect.TypeFor[after.SignalName]():
		return texts(after.SignalNames())
	case reflect.TypeFor[secretAs]():
		return texts([]secretAs{asText, asBytes})
	}
	return nil
}

func texts[T ~string](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// Schema is the JSON Schema (2020-12) of a config with these types of stores, for
// editors. Load knows more rules than a schema can tell.
func Schema(types stores.Registry) ([]byte, error) { return formOf(types).Printed("rotate: config") }

// What decodes itself describes itself.
var _, _, _ interface {
	strictyaml.NodeReader
	strictyaml.Describer
} = (*storeSection)(nil), (*outputSection)(nil), (*listenSection)(nil)

// Describe is one alternative a type of store, told apart by `type`.
func (*storeSection) Describe(f *strictyaml.Form) *strictyaml.JSONSchema {
	s, types := &strictyaml.JSONSchema{}, f.Extra.(stores.Registry)
	for _, name := range slices.Sorted(maps.Keys(types)) {
		one := f.StructSchema(reflect.TypeOf(types[name]()).Elem())
		one.Type, one.Title, one.Required = "object", fmt.Sprintf("a store of the type %s", name), []string{"type"}
		one.Properties = slices.Insert(one.Properties, 0, strictyaml.Property{Name: "type", Schema: &strictyaml.JSONSchema{Const: name}})
		s.AnyOf = append(s.AnyOf, *one)
	}
	return s
}

// Describe is the options of an output.
func (*outputSection) Describe(f *strictyaml.Form) *strictyaml.JSONSchema {
	return f.StructSchema(reflect.TypeFor[outputOptions]())
}

// Describe is an address, one with its options, or a list of both.
func (*listenSection) Describe(f *strictyaml.Form) *strictyaml.JSONSchema {
	address := strictyaml.JSONSchema{Type: "string"}
	options := *f.StructSchema(reflect.TypeFor[listenOptions]())
	options.Type, options.Required = "object", []string{"address"}
	one := []strictyaml.JSONSchema{address, options}
	return &strictyaml.JSONSchema{AnyOf: append(one, strictyaml.JSONSchema{Type: "array", Items: &strictyaml.JSONSchema{AnyOf: one}})}
}
