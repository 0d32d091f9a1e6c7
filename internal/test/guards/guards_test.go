// Package guards takes the guards of the ten promises out of the code, one at a
// time, and holds that a test of that promise then fails. It runs with
// `make guards`; the sources are replaced by an overlay and stay as they are.
//
// A guard is found by a comment in the code, and taken out by a change of the
// syntax tree that names no variable. So code around it may move, and everything
// in it may be renamed.
package guards

import (
	"bytes"
	"go/format"
	"maps"
	"os"
	"slices"
	"testing"
)

// places finds all guards in the code.
func places(t *testing.T) map[string]place {
	t.Helper()
	all := map[string]place{}
	for _, s := range sources(t) {
		found, err := marks(s)
		if err != nil {
			t.Fatal(err)
		}
		for name, p := range found {
			if other, twice := all[name]; twice {
				t.Errorf("guard %s stands in %s and in %s", name, other.Path, p.Path)
			}
			all[name] = p
		}
	}
	return all
}

// at is the source without the guard that stands at p, formatted.
func (g guard) at(p place) ([]byte, error) {
	edits, err := g.without(p)
	if err != nil {
		return nil, err
	}
	return format.Source(p.With(edits...))
}

// The table is held against the code in plain `go test`, where it costs nothing.
func TestEveryGuardStandsInTheCode(t *testing.T) {
	found := places(t)
	for _, g := range guards {
		p, ok := found[g.name()]
		if !ok {
			t.Errorf("no comment %q stands in the code: put it right before the guard, or take the guard out of the table", mark+g.name())
			continue
		}
		delete(found, g.name())
		text, err := g.at(p)
		if err != nil {
			t.Errorf("%s: guard %s cannot be taken out: %v", p.Fset.Position(p.node.Pos()), g.name(), err)
		} else if bytes.Equal(text, p.Text) {
			t.Errorf("%s: guard %s is not taken out", p.Fset.Position(p.node.Pos()), g.name())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t.Errorf("%s: guard %s has no line in table_test.go", found[name].Fset.Position(found[name].node.Pos()), name)
	}
}

func TestEveryGuardIsTested(t *testing.T) {
	if os.Getenv("ROTATE_GUARDS") == "" {
		t.Skip("builds the core once a guard: run `make guards`")
	}
	found := places(t)
	for _, g := range guards {
		t.Run(g.name(), func(t *testing.T) {
			p := found[g.name()]
			text, err := g.at(p)
			if err != nil {
				t.Fatal(err)
			}
			noticed(t, g.tests, p.Path, text)
		})
	}
}
