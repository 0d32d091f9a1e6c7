package config

import (
	"reflect"
	"strings"

	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A fieldSet is a struct's options by their names.
type fieldSet struct {
	names []string // in the order of the struct
	index map[string][]int
}

// fieldsOf reads the `yaml` tags of a struct, those of embedded ones included.
// A field without a tag is no option.
func fieldsOf(t reflect.Type) fieldSet {
	s := fieldSet{index: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			s.names = append(s.names, name)
			s.index[name] = f.Index
		}
	}
	return s
}

// isSection reports whether a field holds options or entries of its own, which
// may come from several files.
func isSection(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(optional); ok {
		return false
	}
	return v.Kind() == reflect.Map || v.Kind() == reflect.Struct
}

// choices are the values that a type is limited to; nil if it is not.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[keyset.Algorithm]():
		return texts(keyset.Algorithms())
	case reflect.TypeFor[keyset.Encoding]():
		return texts([]keyset.Encoding{keyset.Base64URL, keyset.Base64, keyset.Hex})
	case reflect.TypeFor[format.Format]():
		return texts(format.All())
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
