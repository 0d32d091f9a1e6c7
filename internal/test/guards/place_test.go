package guards

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

const root = "../../.."

// mark begins the comment that marks a guard: `// guard PROMISE: WHAT`, on a line
// of its own, right before the statement, the case, the field or the operand.
const mark = "// guard "

var marked = regexp.MustCompile("^" + mark + `((?:incident )?[0-9]+: .+)$`)

// sources are the files that a build takes, without tests.
func sources(t *testing.T) (all []*overlay.Source) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "test"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := overlay.Read(root, rel)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A place is a node of a source, where a guard stands.
type place struct {
	*overlay.Source
	node ast.Node
	fn   *ast.FuncDecl // around it
}

// marks returns the names of all guards that a source marks, with their places.
func marks(s *overlay.Source) (map[string]place, error) {
	found := map[string]place{}
	for _, group := range s.File.Comments {
		for _, c := range group.List {
			text := marked.FindStringSubmatch(c.Text)
			if text == nil {
				continue
			}
			name := text[1]
			p, ok := after(s, group.End())
			if !ok {
				return nil, fmt.Errorf("%s: nothing follows the guard", s.Fset.Position(c.Pos()))
			}
			if _, twice := found[name]; twice {
				return nil, fmt.Errorf("%s: two guards have this name", s.Fset.Position(c.Pos()))
			}
			found[name] = p
		}
	}
	return found, nil
}

// after is the largest node that begins with the first token after pos.
func after(s *overlay.Source, pos token.Pos) (found place, ok bool) {
	var fn *ast.FuncDecl
	ast.Inspect(s.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil, *ast.Comment, *ast.CommentGroup:
			return false
		case *ast.FuncDecl:
			fn = n
		}
		if n.Pos() >= pos && fn != nil && n.Pos() > fn.Body.Lbrace {
			if !ok || n.Pos() < found.node.Pos() {
				found, ok = place{s, n, fn}, true
			}
			return false // what is in it begins no sooner
		}
		return n.End() > pos
	})
	return found, ok
}
