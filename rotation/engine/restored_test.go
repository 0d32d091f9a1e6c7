package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// What came of an adoption is told from another keyset by the keys themselves.
func TestHolds(t *testing.T) {
	key := func(kid, text string) keyset.Key {
		k, err := keyset.AdoptSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(text, 40))), "")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b, c := key("a", "a"), key("b", "b"), key("c", "c")
	set := &keyset.Set{Keys: []keyset.Key{a, b}, Gone: []keyset.Gone{{Kid: "gone"}}}
	for name, tt := range map[string]struct {
		keys []keyset.Key
		want error
	}{
		"the one that signs":         {[]keyset.Key{a}, nil},
		"under another kid":          {[]keyset.Key{key("x", "a")}, nil},
		"with one that verifies":     {[]keyset.Key{a, key("y", "b")}, nil},
		"with one that was removed":  {[]keyset.Key{a, key("gone", "g"), b}, nil},
		"with one that nobody knows": {[]keyset.Key{a, b, c}, engine.ErrOthers},
		"another one signs":          {[]keyset.Key{b, a}, engine.ErrManaged},
		"another keyset":             {[]keyset.Key{c}, engine.ErrManaged},
	} {
		if err := engine.Holds(set, tt.keys); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only notes are missing where nobody shows other keys, and everybody remembers
// the generation that is there.
func TestRestoredNotes(t *testing.T) {
	witness := func(generation uint64) rotation.Witness {
		return rotation.Witness{Lineage: "l", Past: keyset.Past{Generation: generation, Digest: "d"}}
	}
	set := &keyset.Set{Generation: 3}
	for name, tt := range map[string]struct {
		r    engine.Restored
		want bool
	}{
		"the same generation":        {engine.Restored{Set: set, Witnesses: []rotation.Witness{witness(3), witness(3)}}, true},
		"one of another generation":  {engine.Restored{Set: set, Witnesses: []rotation.Witness{witness(3), witness(4)}}, false},
		"all of another generation":  {engine.Restored{Set: set, Witnesses: []rotation.Witness{witness(4)}}, false},
		"an output shows other keys": {engine.Restored{Set: set, Witnesses: []rotation.Witness{witness(3)}, Newer: &keyset.Set{Generation: 3}}, false},
		"other keys, and another":    {engine.Restored{Set: set, Witnesses: []rotation.Witness{witness(4)}, Newer: &keyset.Set{Generation: 4}}, false},
	} {
		if got := tt.r.Notes(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
