package guards

import (
	"go/ast"
	"go/format"
	"strings"
	"testing"
)

// renamed is a source with other names for all that a function declares, of the
// names that are given; all of them if names is nil.
func renamed(s *source, function string, names map[string]bool) (text []byte, taken map[string]bool) {
	taken = map[string]bool{}
	var edits []edit
	for _, d := range s.file.Decls {
		fn, is := d.(*ast.FuncDecl)
		if !is || nameOf(fn) != function {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			id, is := n.(*ast.Ident)
			if is && id.Obj != nil && id.Obj.Kind == ast.Var && id.Name != "_" && fn.Pos() <= id.Obj.Pos() && id.Obj.Pos() < fn.End() && (names == nil || names[id.Name]) {
				edits = append(edits, edit{id, id.Name + "Renamed"})
				taken[id.Name] = true
			}
			return true
		})
	}
	return s.with(edits...), taken
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
		text, taken := renamed(p.source, nameOf(p.fn), nil)
		s, err := parse(p.path, text)
		if err != nil {
			t.Fatal(err)
		}
		marks, err := s.marks()
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.at(marks[g.name()])
		if err != nil {
			t.Errorf("guard %s: after a rename: %v", g.name(), err)
			continue
		}
		text, err = g.at(p)
		if err != nil {
			continue // told by another test
		}
		without, err := parse(p.path, text)
		if err != nil {
			t.Fatal(err)
		}
		text, _ = renamed(without, nameOf(p.fn), taken)
		want, err := format.Source(text)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("guard %s names a variable: without it %s is after a rename\n%s\nwant\n%s", g.name(), nameOf(p.fn), got, want)
		}
	}
}

const sample = `package p

func (r *thing) f(a, b bool, n int) (int, error) {
	// guard if: x
	if a {
		return 1, nil
	}
	if a ||
		// guard operand: x
		b && a {
		return 2, nil
	}
	switch {
	// guard case: x
	case b:
		// guard drop: x
		n = g(n, 7)
	}
	// guard sum: x
	n = h(n + one + two)
	// guard first: x
	n = r.g(n, 7)
	v := pair{
		// guard field: x
		Left: n, Right: 2,
	}
	// guard return: x
	return v.Left, nil
}
`

func TestChanges(t *testing.T) {
	tests := []struct {
		guard   string
		change  change
		old, as string // what stands there, and what stands there then
	}{
		{"if", never, "if a {", "if false && (a) {"},
		{"if", always, "if a {", "if true || (a) {"},
		{"operand", never, "b && a {", "false && (b && a) {"},
		{"case", always, "case b:", "case true || (b):"},
		{"drop", dropped, "\t\tn = g(n, 7)\n", "\t\tif false {\n\t\t\tn = g(n, 7)\n\t\t}\n"},
		{"sum", summand, "n + one + two", "n + one"},
		{"first", call("$0"), "r.g(n, 7)", "n"},
		{"first", call("$X"), "r.g(n, 7)", "r"},
		{"first", call("$F($1, $0)"), "r.g(n, 7)", "r.g(7, n)"},
		{"first", becomes("$L = $1"), "n = r.g(n, 7)", "n = 7"},
		{"field", becomes("$K: 0"), "Left: n,", "Left: 0,"},
		{"return", becomes("return $this.n, nil"), "return v.Left, nil", "return r.n, nil"},
		{"return", never, "return v.Left, nil", "return false && (v.Left), nil"},
		{"sum", both(summand, becomes("$L = 1")), "", "overlap"},
		{"first", summand, "", "no sum"},
		{"field", dropped, "", "no statement"},
		{"return", dropped, "", "cannot be left out"},
		{"sum", becomes("$7"), "", "nothing for $7"},
		{"drop", never, "", "no condition"},
	}
	s, err := parse("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	marks, err := s.marks()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		got, err := guard{without: tt.change}.at(marks[tt.guard+": x"])
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

// Only a failed test tells that a guard is missed.
func TestFailures(t *testing.T) {
	tests := map[string]struct{ out, who, err string }{
		"all pass":            {`{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p"}`, "", ""},
		"a test fails":        {`{"Action":"fail","Package":"p","Test":"TestA/x"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "TestA", ""},
		"it does not compile": {`{"Action":"build-output","Output":"a.go:1: undefined\n"}` + "\n" + `{"Action":"build-fail"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "does not compile:\na.go:1"},
		"out of time": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 3m0s\n"}` + "\n" +
				`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "p ran out of time",
		},
		"out of time after another failed": {
			`{"Action":"fail","Package":"q","Test":"TestB"}` + "\n" + `{"Action":"fail","Package":"q"}` + "\n" +
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 3m0s\n"}` + "\n" +
				`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "TestB", "",
		},
		"a set-up fails": {`{"Action":"output","Package":"p","Output":"cannot listen\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "none of its tests did:\ncannot listen"},
		"not a run":      {"go: no such flag\n", "", "not a line of go test -json"},
	}
	for name, tt := range tests {
		who, err := failures([]byte(tt.out))
		if strings.Join(who, " ") != tt.who || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", name, who, err)
		}
	}
}
