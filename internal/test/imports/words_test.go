package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../../.."

// sources parses the files of a folder that are built, by path from the root.
func sources(t *testing.T, under string) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	err := filepath.WalkDir(filepath.Join(root, under), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = parser.ParseFile(fset, path, nil, 0)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", under, len(files), err)
	}
	return fset, files
}

// wordless are the packages that decide, and so say nothing: package say does.
var wordless = []string{"rotation", "rotation/engine", "rotation/scheduler", "internal/status", "internal/metrics"}

// spoken are the sentences that stand there all the same, by file or by how they are used.
var spoken = []struct{ file, use, why string }{
	{"", "errors.New", "an error of the Go API has to make sense to a caller who prints it; what to do about it is said in say"},
	{"", "fmt.Errorf", "likewise"},
	{"rotation/scheduler/replace.go", "fail", "likewise: it is fmt.Errorf with the key before it"},
	{"internal/metrics/keys.go", "", "Prometheus wants the help of a metric beside its name"},
	{"internal/metrics/metrics.go", "", "likewise"},
	{"rotation/engine/forget.go", "", "tombstone is stored in place of a key, and is not said"},
}

// prose is three words in a row.
var prose = regexp.MustCompile(`[A-Za-z]{2,},? [a-z]{2,},? [a-z]{2,}`)

// The packages that decide hold no sentence for people.
func TestWhoDecidesSaysNothing(t *testing.T) {
	used := map[int]bool{}
	for _, pkg := range wordless {
		fset, files := sources(t, pkg)
		for name, file := range files {
			if filepath.ToSlash(filepath.Dir(name)) != pkg {
				continue
			}
			inspect(file, func(lit *ast.BasicLit, use string) {
				text, err := strconv.Unquote(lit.Value)
				if err != nil || !prose.MatchString(text) {
					return
				}
				i := slices.IndexFunc(spoken, func(s struct{ file, use, why string }) bool {
					return (s.file == "" || s.file == name) && (s.use == "" || s.use == use)
				})
				if i < 0 {
					t.Errorf("%s: %q is for people: give it a rotation.Code, and say it in internal/say", fset.Position(lit.Pos()), text)
					return
				}
				used[i] = true
			})
		}
	}
	for i, s := range spoken {
		if !used[i] {
			t.Errorf("nothing is spoken in %q by %q any more: take it off the list", s.file, s.use)
		}
	}
}

// inspect hands every string of a file to f, but for imports and tags, with the
// function that it is an argument of, if any.
func inspect(file *ast.File, f func(lit *ast.BasicLit, use string)) {
	uses := map[*ast.BasicLit]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil {
				uses[n.Tag] = "tag"
			}
		case *ast.CallExpr:
			for _, arg := range n.Args {
				ast.Inspect(arg, func(inner ast.Node) bool {
					if lit, ok := inner.(*ast.BasicLit); ok {
						uses[lit] = called(n)
					}
					return true
				})
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && uses[n] != "tag" {
				f(n, uses[n])
			}
		}
		return true
	})
}

// called is the name of a function, such as fmt.Errorf.
func called(call *ast.CallExpr) string {
	if own, ok := call.Fun.(*ast.Ident); ok {
		return own.Name
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if pkg, ok := sel.X.(*ast.Ident); ok {
		return pkg.Name + "." + sel.Sel.Name
	}
	return sel.Sel.Name
}

// readers are functions that look into a text.
var readers = regexp.MustCompile(`^strings\.(Trim(Prefix|Suffix|Left|Right|Func)?|Contains\w*|Cut\w*|Count|HasPrefix|HasSuffix|Index\w*|LastIndex\w*|Split\w*|Fields\w*|Replace\w*|EqualFold)$|^(Match|Find|Replace)\w*$`)

// texts are what is said to people: an error's own text, what package say returns,
// and the members of its values.
var texts = regexp.MustCompile(`^(Error|What|Hint|Cause|Reason|Behind|Attention|Warnings)$`)

// parsing is where a text is looked into all the same.
var parsing = map[string]string{
	"internal/format/template.go":    "text/template tells a place in its text alone, and no value may stand in what is said of it",
	"providers/vaultkv/errors.go":    "of a failed TLS handshake the standard library has no one type; only the hint hangs on it",
	"providers/vaultkv/server.go":    "its own hints get the name of OpenBao's tool where that answers; nothing is decided by it",
	"providers/kubernetes/errors.go": "likewise of a failed TLS handshake",
}

// No program logic looks into a text that is for people: it asks for the code.
func TestNobodyParsesWhatIsSaid(t *testing.T) {
	used := map[string]bool{}
	for _, top := range []string{"cmd", "command", "internal", "rotation", "providers"} {
		fset, files := sources(t, top)
		for name, file := range files {
			if strings.HasPrefix(name, "internal/test/") || strings.HasPrefix(name, "internal/say/") || strings.HasPrefix(name, "providers/providertest/") {
				continue // tests; and whoever lays out lines has to break them
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !readers.MatchString(called(call)) {
					return true
				}
				for _, arg := range call.Args {
					if said := spokenBy(arg); said != "" {
						if parsing[name] == "" {
							t.Errorf("%s: %s looks into %s, which is for people", fset.Position(call.Pos()), called(call), said)
						}
						used[name] = true
					}
				}
				return true
			})
		}
	}
	for name := range parsing {
		if !used[name] {
			t.Errorf("nothing is parsed in %s any more: take it off the list", name)
		}
	}
}

// spokenBy finds a text for people in an expression; "" if there is none.
func spokenBy(e ast.Expr) (said string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if pkg, isPkg := sel.X.(*ast.Ident); isPkg && pkg.Name == "say" || texts.MatchString(sel.Sel.Name) {
				said = sel.Sel.Name
			}
		}
		return said == ""
	})
	return said
}
