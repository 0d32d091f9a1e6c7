package say

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// codes reads every Code from the source of the rules.
func codesOf(t *testing.T) (all []rotation.Code) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "../../rotation/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rotation.Code(text))
		}
		return true
	})
	if len(all) < 50 {
		t.Fatalf("%d codes", len(all))
	}
	return all
}

// Every code has words of its own, and a row in the documentation.
func TestEveryCodeIsSaidAndDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	about := Subject{"k", "s", "n"}
	s := speaker{about, Plain}
	said := map[string]rotation.Code{}
	for _, c := range codesOf(t) {
		r := rotation.Reason{Code: c, Kid: "kid", Output: "out", Whose: rotation.AnOutput, At: time.Unix(1, 0), Of: &rotation.Ref{}}
		k := keyStatus{Key: status.Key{Alarms: []rotation.Reason{r}, Notices: []rotation.Reason{r}, Then: &status.Step{}}}
		k.Hidden.Keys = append(k.Hidden.Keys, k.Hidden.Keys...)
		text := s.step(r) + s.wait(r) + s.halt(r).What
		if r.Code.Behind() {
			text += Behind(r, Plain)
		}
		if a := Alarm(r, about, Plain).What; a != s.failed(r).What {
			text += a
		}
		if a := k.attention(Plain)[0].Words; a != s.failed(r) {
			text += a.String()
		}
		text += k.warnings(Plain)[0].String()
		switch c {
		case rotation.HiddenKeys, rotation.ConfigAdvice, rotation.OutputSilent: // say what they carry
		default:
			if before, twice := said[text]; text == "" || twice {
				t.Errorf("%s has no words of its own: %q, as %s", c, text, before)
			}
			said[text] = c
		}
		if !strings.Contains(string(page), "| `"+string(c)+"` |") {
			t.Errorf("%s has no row in docs/status.md", c)
		}
	}
}
