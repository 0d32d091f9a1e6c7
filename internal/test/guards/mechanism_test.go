package guards

import (
	"go/ast"
	"go/format"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

// renamed is a source with other names for all that a function declares, of the
// names that are given; all of them if names is nil.
func renamed(s *overlay.Source, function string, names map[string]bool) (text []byte, taken map[string]bool) {
	taken = map[string]bool{}
	var edits []overlay.Edit
	for _, fn := range s.Functions() {
		if overlay.Name(fn) != function {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			id, is := n.(*ast.Ident)
			if is && id.Obj != nil && id.Obj.Kind == ast.Var && id.Name != "_" && fn.Pos() <= id.Obj.Pos() && id.Obj.Pos() < fn.End() && (names == nil || names[id.Name]) {
				edits = append(edits, overlay.Instead(id, id.Name+"Renamed"))
				taken[id.Name] = true
			}
			return true
		})
	}
	return s.With(edits...), taken
}

// A rename of every variable of a function changes nothing: the guard is found,
// and what is left without it is the same but for the names.
func TestRenamesBreakNoGuard(t *testing.T) {
	found := places(t)
	for _, g := range guards {
		p, ok := found[g.name()]
		if !ok {
			continue // told by another test
		}
		text, taken := renamed(p.Source, overlay.Name(p.fn), nil)
		s, err := overlay.Parse(p.Path, text)
		if err != nil {
			t.Fatal(err)
		}
		all, err := marks(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.at(all[g.name()])
		if err != nil {
			t.Errorf("guard %s: after a rename: %v", g.name(), err)
			continue
		}
		text, err = g.at(p)
		if err != nil {
			continue // told by another test
		}
		without, err := overlay.Parse(p.Path, text)
		if err != nil {
			t.Fatal(err)
		}
		text, _ = renamed(without, overlay.Name(p.fn), taken)
		want, err := format.Source(text)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("guard %s names a variable: without it %s is after a rename\n%s\nwant\n%s", g.name(), overlay.Name(p.fn), got, want)
		}
	}
}

const sample = `package p

func (r *thing) f(a, b bool, n int) (int, error) {
	// guard 1: if
	if a {
		return 1, nil
	}
	if a ||
		// guard 2: operand
		b && a {
		return 2, nil
	}
	switch {
	// guard 3: case
	case b:
		// guard 4: drop
		n = g(n, 7)
	}
	// guard 5: sum
	n = h(n + one + two)
	// guard 6: first
	n = r.g(n, 7)
	v := pair{
		// guard 7: field
		Left: n, Right: 2,
	}
	// guard 8: return
	return v.Left, nil
}
`

// named is the place of the guard with a name, whatever its promise.
func named(all map[string]place, name string) place {
	for n, p := range all {
		if strings.HasSuffix(n, ": "+name) {
			return p
		}
	}
	return place{}
}

func TestChanges(t *testing.T) {
	tests := []struct {
		guard   string
		change  change
		old, as string // what stands there, and what stands there then
	}{
		{"if", never, "if a {", "if false && (a) {"},
		{"if", always, "if a {", "if true || (a) {"},
		{"operand", never, "b && a {", "(false && (b && a)) {"},
		{"case", always, "case b:", "case (true || (b)):"},
		{"drop", dropped, "\t\tn = g(n, 7)\n", "\t\tif false {\n\t\t\tn = g(n, 7)\n\t\t}\n"},
		{"sum", summand, "n + one + two", "n + one"},
		{"first", call("$0"), "r.g(n, 7)", "n"},
		{"first", call("$X"), "r.g(n, 7)", "r"},
		{"first", call("$F($1, $0)"), "r.g(n, 7)", "r.g(7, n)"},
		{"first", becomes("$L = $1"), "n = r.g(n, 7)", "n = 7"},
		{"field", becomes("$K: 0"), "Left: n,", "Left: 0,"},
		{"return", becomes("return $this.n, nil"), "return v.Left, nil", "return r.n, nil"},
		{"return", never, "return v.Left, nil", "return (false && (v.Left)), nil"},
		{"sum", both(summand, becomes("$L = 1")), "", "overlap"},
		{"first", summand, "", "no sum"},
		{"field", dropped, "", "no statement"},
		{"return", dropped, "", "cannot be left out"},
		{"sum", becomes("$7"), "", "nothing for $7"},
		{"drop", never, "", "no condition"},
	}
	s, err := overlay.Parse("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	found, err := marks(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		got, err := guard{without: tt.change}.at(named(found, tt.guard))
		if tt.old == "" {
			if err == nil || !strings.Contains(err.Error(), tt.as) {
				t.Errorf("%s: the error is %v, want one of %q", tt.guard, err, tt.as)
			}
			continue
		}
		if want := strings.Replace(sample, tt.old, tt.as, 1); err != nil || string(got) != want {
			t.Errorf("%s: %v,\n%s\nwant\n%s", tt.guard, err, got, want)
		}
	}
}
