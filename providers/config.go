package providers

import "context"

// A Type is one kind of store that a config can name under `type:`.
type Type struct {
	Name string        // lower case letters and digits, such as awssm
	New  func() Config // options with nothing set, as a pointer to a fresh struct
}

// A Config is the options of one store, decoded from its `yaml` tags; a `doc`
// tag is shown in the schema. Fields are strings, ints, bools, time.Durations,
// and structs, lists and maps of these. A value that is not set is left as
// Type.New made it. Printed with %+v, a Config gives the same text for the same
// options, and no key material. A daemon compares that text to notice that
// options changed.
//
// What else a Config can do is in optional.go: Relocatable, Validator, Owner, Shared,
// Locator, Namer, Paced, OneValued, OutputOpener, FieldKeeper, PublicKeeper, Roller.
type Config interface {
	// Open returns a handle that is safe for concurrent use. Its errors are as
	// those of a Store; ErrUnsafe is for what a person has to change.
	Open(ctx context.Context) (Store, error)
}

// An OptionError is an error of Validator.Validate about one option. Its message
// follows the option's name.
type OptionError interface {
	error
	Option() (name, hint string)
}
