package engine_test

import (
	"testing"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

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
