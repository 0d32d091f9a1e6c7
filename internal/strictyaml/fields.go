package strictyaml

import (
	"reflect"
	"strings"
)

// A FieldSet is a struct's options by their names.
type FieldSet struct {
	Names []string // in the order of the struct
	Index map[string][]int
}

// FieldsOf reads the `yaml` tags of a struct, those of embedded ones included.
// A field without a tag is no option.
func FieldsOf(t reflect.Type) FieldSet {
	s := FieldSet{Index: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			s.Names = append(s.Names, name)
			s.Index[name] = f.Index
		}
	}
	return s
}

// isSection reports whether a field holds options or entries of its own, which
// may come from several files.
func isSection(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(Optional); ok {
		return false
	}
	return v.Kind() == reflect.Map || v.Kind() == reflect.Struct
}
