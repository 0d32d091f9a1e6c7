package lazy_test

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/lazy"
)

// A mistake in a pattern shows when it is first used, which may be in a process
// that somebody relies on: so all of them are compiled here.
func TestEveryPatternCompiles(t *testing.T) {
	files := token.NewFileSet()
	seen := 0
	for dir, parsed := range packages(t, files) {
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		// Constants are worked out without what the package imports.
		conf := types.Config{Importer: nothing{}, Error: func(error) {}}
		_, _ = conf.Check(dir, files, parsed, info)
		for call := range calls(parsed) {
			seen++
			text := info.Types[call.Args[0]].Value
			if text == nil || text.Kind() != constant.String {
				t.Errorf("%v: the pattern is no constant, so nothing has compiled it", files.Position(call.Pos()))
				continue
			}
			if _, err := regexp.Compile(constant.StringVal(text)); err != nil {
				t.Errorf("%v: %v", files.Position(call.Pos()), err)
			}
		}
	}
	if seen == 0 {
		t.Error("no pattern was found")
	}
}

// Nothing is compiled before it is used, and then once.
func TestCompiledOnce(t *testing.T) {
	lazy.Regexp(`(`) // would panic
	p := lazy.Regexp(`^a$`)
	if first := p(); first != p() || !first.MatchString("a") {
		t.Error("not one pattern")
	}
}

// packages are the files of the module that are no tests, by folder.
func packages(t *testing.T, files *token.FileSet) map[string][]*ast.File {
	t.Helper()
	all := map[string][]*ast.File{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "../..":
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		all[filepath.Dir(path)] = append(all[filepath.Dir(path)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// calls are those of lazy.Regexp.
func calls(parsed []*ast.File) map[*ast.CallExpr]bool {
	found := map[*ast.CallExpr]bool{}
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "lazy.Regexp" {
				found[call] = true
			}
			return true
		})
	}
	return found
}

// nothing imports nothing.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }
