// Package stores stands between rotate and its adapters: the registry of the types
// of stores, and what every store has in front of it. From the caller's side that
// is, in this order:
//
//	lazy     opens the store at the first call, and again at the next one if that fails
//	checked  refuses bad names, empty and too large values (providers.Checked)
//	paced    keeps to Traits.WritesAMinute
//	counted  counts calls and what they took, in a daemon
//
// None of them hides a power of the store: providers.As looks through.
package stores

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

// A Registry makes the options of each `type:` of store, as pointers to fresh
// structs.
type Registry map[string]func() providers.Config

// typeName is what a type may be called.
var typeName = lazy.Regexp(`^[a-z][a-z0-9]{0,31}$`)

// NewRegistry takes types in. Its error names every one that cannot be taken.
func NewRegistry(types ...providers.Type) (Registry, error) {
	r := Registry{}
	var mistakes []error
	for _, t := range types {
		_, taken := r[t.Name]
		switch {
		case !typeName().MatchString(t.Name):
			mistakes = append(mistakes, fmt.Errorf("the type of store %q: a name has 1 to 32 lower case letters and digits, and begins with a letter", t.Name))
		case taken:
			mistakes = append(mistakes, fmt.Errorf("the type of store %q is registered twice: give one of the two another name", t.Name))
		case t.New == nil || !pointsToStruct(t.New()):
			mistakes = append(mistakes, fmt.Errorf("the type of store %q: New has to return a pointer to a struct", t.Name))
		default:
			r[t.Name] = t.New
		}
	}
	return r, errors.Join(mistakes...)
}

func pointsToStruct(c providers.Config) bool {
	v := reflect.ValueOf(c)
	return v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct
}
