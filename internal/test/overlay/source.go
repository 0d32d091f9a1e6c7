// Package overlay runs tests over changed sources. The sources themselves stay as
// they are: `go test` reads the changed ones from elsewhere.
package overlay

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
)

// A Source is one Go file of the module.
type Source struct {
	Path string // from the root of the module
	Text []byte
	Fset *token.FileSet
	File *ast.File
}

// Read reads and parses a file of the module at root.
func Read(root, path string) (*Source, error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse parses the text of a file, comments included.
func Parse(path string, text []byte) (*Source, error) {
	s := &Source{Path: path, Text: text, Fset: token.NewFileSet()}
	var err error
	s.File, err = parser.ParseFile(s.Fset, path, text, parser.ParseComments)
	return s, err
}

// Src is the text of a node.
func (s *Source) Src(n ast.Node) string {
	return string(s.Text[s.Offset(n.Pos()):s.Offset(n.End())])
}

// Offset is where a position is in Text.
func (s *Source) Offset(p token.Pos) int { return s.Fset.Position(p).Offset }

// An Edit puts a text in the place of what stands from Pos to End.
type Edit struct {
	Pos, End token.Pos
	Text     string
}

// Instead puts a text in the place of a node.
func Instead(n ast.Node, text string) Edit { return Edit{n.Pos(), n.End(), text} }

// With is the text with edits, none of which lies in another.
func (s *Source) With(edits ...Edit) []byte {
	slices.SortFunc(edits, func(a, b Edit) int { return int(b.Pos - a.Pos) })
	text := slices.Clone(s.Text)
	for _, e := range edits {
		text = slices.Replace(text, s.Offset(e.Pos), s.Offset(e.End), []byte(e.Text)...)
	}
	return text
}

// Functions are those that a file declares, methods included.
func (s *Source) Functions() (all []*ast.FuncDecl) {
	for _, d := range s.File.Decls {
		if fn, is := d.(*ast.FuncDecl); is {
			all = append(all, fn)
		}
	}
	return all
}

// Name is a function's name, after its type and a dot if it is a method.
func Name(fn *ast.FuncDecl) string {
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
