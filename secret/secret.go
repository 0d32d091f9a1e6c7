// Package secret holds key material so that it cannot be printed by accident.
//
// A String or LogValue method is not enough: %v of a struct that embeds such a
// value in an unexported field reads the bytes by reflection and never calls
// the method. A Text therefore keeps its bytes behind a closure, where
// reflection finds only a code address.
package secret

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a Text shows wherever it is printed.
const Redacted = "[secret]"

// Text is a piece of key material. Its zero value is empty. It never changes
// and is safe for concurrent use.
type Text struct{ reveal func() []byte }

// New copies b. The caller may overwrite b afterwards.
func New(b []byte) Text {
	held := bytes.Clone(b)
	return Text{reveal: func() []byte { return held }}
}

// Reveal returns a copy of the material. It is the only way to it, so a search
// for Reveal finds every place where material leaves its box.
func (t Text) Reveal() []byte {
	if t.reveal == nil {
		return nil
	}
	return bytes.Clone(t.reveal())
}

// Len is the number of bytes held.
func (t Text) Len() int {
	if t.reveal == nil {
		return 0
	}
	return len(t.reveal())
}

// Equal compares in constant time; only the lengths may show.
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare(t.Reveal(), o.Reveal()) == 1
}

// String says Redacted, as do Format, GoString, MarshalText and LogValue.
func (t Text) String() string { return Redacted }

// Format keeps %x, %q and the other verbs from reaching the closure.
func (t Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// GoString serves %#v.
func (t Text) GoString() string { return Redacted }

// MarshalText serves encoding/json and encoding/xml.
func (t Text) MarshalText() ([]byte, error) {
	// guard 7: material prints as [secret]
	return []byte(Redacted), nil
}

// LogValue serves log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
