package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

func TestMain(m *testing.M) {
	root = "../../.."
	os.Exit(m.Run())
}

// The lists are held against the code in plain `go test`, where it costs nothing.
func TestListsStandInTheCode(t *testing.T) {
	for _, m := range ours {
		src, err := overlay.Read(root, m.file)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.find(src); err != nil {
			t.Errorf("%s: %v", m.what, err)
		}
	}
	listed, err := readList(filepath.Join(root, list))
	if err != nil {
		t.Fatal(err)
	}
	for where := range listed {
		known := false
		for _, g := range goals {
			known = known || strings.HasPrefix(where, g.pkg+" ")
		}
		if !known {
			t.Errorf("%s: no goal is set for the package of %s", list, where)
		}
	}
}

const sample = `package p

func f(a, b int) bool {
	for i := 0; i < a; i++ {
		b--
	}
	return a <= -b && a != b
}
`

func TestMutantsAreMade(t *testing.T) {
	src, err := overlay.Parse("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		kind         string
		line, column int
		old, as      string
	}{
		{"CONDITIONALS_BOUNDARY", 4, 16, "i < a", "i <= a"},
		{"CONDITIONALS_NEGATION", 4, 16, "i < a", "i >= a"},
		{"INCREMENT_DECREMENT", 4, 22, "i++", "i--"},
		{"INCREMENT_DECREMENT", 5, 4, "b--", "b++"},
		{"CONDITIONALS_BOUNDARY", 7, 11, "a <= -b", "a < -b"},
		{"INVERT_NEGATIVES", 7, 14, "-b", "+b"},
		{"INVERT_LOGICAL", 7, 17, "a <= -b && a != b", "a <= -b || a != b"},
		{"CONDITIONALS_NEGATION", 7, 22, "a != b", "a == b"},
	}
	for _, tt := range tests {
		f := found{file: "p.go", Type: tt.kind, Line: tt.line, Column: tt.column}
		got, err := f.change(src)
		if want := strings.Replace(sample, tt.old, tt.as, 1); err != nil || string(got) != want {
			t.Errorf("%+v: %v,\n%s", f, err, got)
		}
		if _, node, _, ok := operator(src, tt.line, tt.column); !ok || src.Src(node) != tt.old {
			t.Errorf("%+v is not found", f)
		}
	}
	for _, f := range []found{{Type: "INVERT_LOGICAL", Line: 4, Column: 16}, {Type: "INVERT_LOGICAL", Line: 1, Column: 1}} {
		if _, err := f.change(src); err == nil {
			t.Errorf("%+v changes something", f)
		}
	}
}

func TestMutantsAreNamedByWhatTheyChange(t *testing.T) {
	report := `{"files":[{"file_name":"duration.go","mutations":[{"type":"ARITHMETIC_BASE","status":"KILLED","line":35,"column":13}]}]}`
	all, err := decode([]byte(report))
	if err != nil || len(all) != 1 || all[0].file != "duration.go" || all[0].Line != 35 || all[0].Status != fateKilled {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := decode([]byte(`{"files":[]}`)); err == nil {
		t.Error("a report without mutants is taken")
	}
	src, err := overlay.Read(root, "rotation/duration.go")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(src.Text), " / ")
	line := strings.Count(before, "\n") + 1
	f := found{file: "duration.go", Type: "ARITHMETIC_BASE", Line: line, Column: len(before) - strings.LastIndex(before, "\n") + 1}
	m, err := f.resolve("rotation")
	if err != nil || !strings.HasPrefix(m.where, "rotation Duration.String ARITHMETIC_BASE `") || !strings.Contains(m.where, " / ") {
		t.Errorf("%+v is %q, %v", f, m.where, err)
	}
	f.Column++
	if m, err := f.resolve("rotation"); err == nil {
		t.Errorf("%+v is %q", f, m.where)
	}
}

func TestSurvivorsAreHeldAgainstTheList(t *testing.T) {
	all := []mutant{
		{"p f A `a`", "f.go:1:1", fateKilled}, {"p f B `b`", "f.go:2:1", fateLived},
		{"p f C `c`", "f.go:3:1", fateTimedOut}, {"p f D `d`", "f.go:4:1", fateKilled},
	}
	survivors, score := count(all)
	if len(survivors) != 2 || score != 50 {
		t.Errorf("%v, %.1f %%", survivors, score)
	}
	errs := compare("p", survivors, map[string]string{"p f B `b`": "why", "p f D `d`": "why", "q f A `a`": "another package"})
	said := errors.Join(errs...)
	if len(errs) != 2 || !strings.Contains(said.Error(), "f.go:3:1: survived and is not listed") || !strings.Contains(said.Error(), "no more; take it out of the list:\np f D `d`") {
		t.Errorf("%v", said)
	}
}

func TestListIsRead(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := readList(write("# about\n\np f A `a`\n\twhy it\n\tlives\np f B `b`\n\tno matter\n"))
	if err != nil || len(got) != 2 || got["p f A `a`"] != "why it lives" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"p f A `a`\n", "p f A `a`\n\twhy\np f A `a`\n\twhy\n"} {
		if got, err := readList(write(bad)); err == nil {
			t.Errorf("%q gives %q", bad, got)
		}
	}
	if _, err := readList("nowhere"); err == nil {
		t.Error("no list is taken for an empty one")
	}
}
