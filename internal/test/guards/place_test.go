package guards

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// mark begins the comment that marks a guard: `// guard PROMISE: WHAT`, on a line
// of its own, right before the statement, the case, the field or the operand.
const mark = "// guard "

// A source is one file of the project.
type source struct {
	path string // from the root of the module
	text []byte
	fset *token.FileSet
	file *ast.File
}

func parse(path string, text []byte) (*source, error) {
	s := &source{path: path, text: text, fset: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.fset, path, text, parser.ParseComments)
	return s, err
}

// sources are the files that a build takes, without tests.
func sources(t *testing.T) (all []*source) {
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
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(rel, text)
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
	*source
	node ast.Node
	fn   *ast.FuncDecl // around it
}

// marks returns the names of all guards that a source marks, with their places.
func (s *source) marks() (map[string]place, error) {
	found := map[string]place{}
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			name, ok := strings.CutPrefix(c.Text, mark)
			if !ok {
				continue
			}
			p, ok := s.after(group.End())
			if !ok {
				return nil, fmt.Errorf("%s: nothing follows the guard", s.fset.Position(c.Pos()))
			}
			if _, twice := found[name]; twice {
				return nil, fmt.Errorf("%s: two guards have this name", s.fset.Position(c.Pos()))
			}
			found[name] = p
		}
	}
	return found, nil
}

// after is the largest node that begins with the first token after pos.
func (s *source) after(pos token.Pos) (found place, ok bool) {
	var fn *ast.FuncDecl
	ast.Inspect(s.file, func(n ast.Node) bool {
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

// in finds a node by the syntax tree: the nth, from 0, of those in a function
// whose text is this one. It is for what no guard keeps, such as a mutant.
func (s *source) in(function, text string, nth int) (found place, ok bool) {
	for _, d := range s.file.Decls {
		fn, is := d.(*ast.FuncDecl)
		if !is || nameOf(fn) != function {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if n == nil || ok {
				return false
			}
			if s.src(n) == text {
				ok, found = nth == 0, place{s, n, fn}
				nth--
				return false
			}
			return true
		})
	}
	return found, ok
}

// nameOf is a function's name, after its type and a dot if it is a method.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	if star, is := typ.(*ast.StarExpr); is {
		typ = star.X
	}
	if id, is := typ.(*ast.Ident); is {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

// src is the text of a node.
func (s *source) src(n ast.Node) string {
	return string(s.text[s.offset(n.Pos()):s.offset(n.End())])
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// An edit puts a text in the place of a node.
type edit struct {
	node ast.Node
	text string
}

// with is the source with edits, none of which lies in another.
func (s *source) with(edits ...edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return int(b.node.Pos() - a.node.Pos()) })
	text := slices.Clone(s.text)
	for _, e := range edits {
		text = slices.Replace(text, s.offset(e.node.Pos()), s.offset(e.node.End()), []byte(e.text)...)
	}
	return text
}
