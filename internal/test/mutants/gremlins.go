package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

// A found mutant is one that gremlins tells of.
type found struct {
	file         string // from the package's folder
	Type, Status string
	Line, Column int // of the operator
}

// unleash runs gremlins on one package. It calls a mutant killed if a test of
// the package fails. Its own limit of time is too short for a busy machine and
// would call mutants timed out that no test notices; so it is twenty times that.
func unleash(gremlins, pkg string) ([]found, error) {
	if gremlins == "" {
		return nil, fmt.Errorf("which gremlins? `make mutants` knows")
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	report := filepath.Join(dir, "report.json")
	// gremlins measures a run of the tests, and the build with it. Built before,
	// they do not make the limit of time a multiple of a cold build.
	warm := exec.Command("go", "test", "-vet=off", "-ldflags=-w", "-count=1", "-cover", "-coverprofile", filepath.Join(dir, "cover"), "./"+pkg)
	warm.Dir = root
	if out, err := warm.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the tests of %s fail without any change:\n%s", pkg, out)
	}
	cmd := exec.Command("go", "run", gremlins, "unleash", "./"+pkg, "-E", "/",
		"--timeout-coefficient", "20", "--invert-logical", "--workers", "1", "--output-statuses", "lt", "--output", report)
	cmd.Dir = root
	// What go vet refuses is no mutant that a test has noticed.
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -vet=off -ldflags=-w"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // what survives is shown as it is found
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("gremlins on %s: %w", pkg, err)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// decode reads gremlins' report.
func decode(report []byte) (all []found, err error) {
	var result struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []found
		}
	}
	if err := json.Unmarshal(report, &result); err != nil {
		return nil, err
	}
	for _, f := range result.Files {
		for _, m := range f.Mutations {
			m.file = f.Name
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("gremlins found no mutants")
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Type, b.Type))
	})
	return all, nil
}

// resolve names a mutant by what it changes, not by its line.
func (f found) resolve(pkg string) (mutant, error) {
	file := path.Join(pkg, f.file)
	src, err := overlay.Read(root, file)
	if err != nil {
		return mutant{}, err
	}
	at := fmt.Sprintf("%s:%d:%d", file, f.Line, f.Column)
	fn, node, _, ok := operator(src, f.Line, f.Column)
	if !ok {
		return mutant{}, fmt.Errorf("%s: there is no operator", at)
	}
	name := "-"
	if fn != nil {
		name = overlay.Name(fn)
	}
	text := strings.Join(strings.Fields(src.Src(node)), " ")
	return mutant{fmt.Sprintf("%s %s %s `%s`", pkg, name, f.Type, text), at, f.Status}, nil
}

// operator finds the operator at a line and column: the expression or statement
// that it makes, where it stands, and the function around it.
func operator(src *overlay.Source, line, column int) (fn *ast.FuncDecl, node ast.Node, pos token.Pos, ok bool) {
	ast.Inspect(src.File, func(n ast.Node) bool {
		var at token.Pos
		switch n := n.(type) {
		case *ast.FuncDecl:
			if !ok {
				fn = n
			}
		case *ast.BinaryExpr:
			at = n.OpPos
		case *ast.UnaryExpr:
			at = n.OpPos
		case *ast.IncDecStmt:
			at = n.TokPos
		case *ast.AssignStmt:
			at = n.TokPos
		}
		if p := src.Fset.Position(at); at.IsValid() && p.Line == line && p.Column == column {
			node, pos, ok = n, at, true
		}
		return !ok
	})
	if fn != nil && (pos < fn.Pos() || pos > fn.End()) {
		fn = nil
	}
	return fn, node, pos, ok
}

// instead is what each kind of mutant makes of an operator; see mappings.go of
// gremlins.
var instead = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_LOGICAL":        {"&&": "||", "||": "&&"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

// change is the file with the mutant in it.
func (f found) change(src *overlay.Source) ([]byte, error) {
	_, node, pos, ok := operator(src, f.Line, f.Column)
	if !ok {
		return nil, fmt.Errorf("%s:%d:%d: there is no operator", src.Path, f.Line, f.Column)
	}
	var op token.Token
	switch n := node.(type) {
	case *ast.BinaryExpr:
		op = n.Op
	case *ast.UnaryExpr:
		op = n.Op
	case *ast.IncDecStmt:
		op = n.Tok
	}
	other, ok := instead[f.Type][op.String()]
	if !ok {
		return nil, fmt.Errorf("%s:%d:%d: %s of %q is not known here", src.Path, f.Line, f.Column, f.Type, op)
	}
	return src.With(overlay.Edit{Pos: pos, End: pos + token.Pos(len(op.String())), Text: other}), nil
}

// try runs the tests of a package on a mutant that gremlins has not tried.
func (f found) try(pkg string) (fate string, err error) {
	src, err := overlay.Read(root, path.Join(pkg, f.file))
	if err != nil {
		return "", err
	}
	text, err := f.change(src)
	if err != nil {
		return "", err
	}
	who, err := overlay.Test(root, "./"+pkg, src.Path, text)
	switch {
	case err != nil && strings.Contains(err.Error(), "ran out of time"):
		return fateTimedOut, nil
	case err != nil:
		return fateNotViable, nil
	case len(who) > 0:
		return fateKilled, nil
	}
	return fateLived, nil
}
