package guards

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

// A change is how a guard is taken out. It names no variable, so that a rename
// does not break it, and keeps what it takes out in the text where it can, so
// that no variable and no import is left without a use.
type change func(place) ([]overlay.Edit, error)

func one(n ast.Node, text string) []overlay.Edit { return []overlay.Edit{overlay.Instead(n, text)} }

// never makes a condition false: that of an if or a case, or an operand.
func never(p place) ([]overlay.Edit, error) { return p.condition("(false && (", "))") }

// always makes a condition true.
func always(p place) ([]overlay.Edit, error) { return p.condition("(true || (", "))") }

func (p place) condition(before, after string) ([]overlay.Edit, error) {
	wrap := func(n ast.Node) ([]overlay.Edit, error) { return one(n, before+p.Src(n)+after), nil }
	switch n := p.node.(type) {
	case *ast.IfStmt:
		return wrap(n.Cond)
	case *ast.CaseClause:
		if len(n.List) == 1 {
			return wrap(n.List[0])
		}
	case *ast.ReturnStmt: // its first result
		if len(n.Results) > 0 {
			return wrap(n.Results[0])
		}
	case ast.Expr:
		return wrap(n)
	}
	return nil, fmt.Errorf("a %T has no condition", p.node)
}

// dropped leaves a statement out.
func dropped(p place) ([]overlay.Edit, error) {
	switch n := p.node.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			return nil, fmt.Errorf("what a := declares cannot be left out")
		}
	case *ast.ReturnStmt, *ast.CaseClause:
		return nil, fmt.Errorf("a %T cannot be left out", n)
	case ast.Stmt:
	default:
		return nil, fmt.Errorf("a %T is no statement", n)
	}
	return one(p.node, "if false {\n"+p.Src(p.node)+"\n}"), nil
}

// summand leaves the last summand of the first sum out.
func summand(p place) ([]overlay.Edit, error) {
	sum, ok := first(p.node, func(b *ast.BinaryExpr) bool { return b.Op == token.ADD })
	if !ok {
		return nil, fmt.Errorf("no sum")
	}
	return one(sum, p.Src(sum.X)), nil
}

// becomes puts another text in the node's place, and call in that of the first
// call in it. In the text stand
//
//	$0 to $9  the arguments of that call, or else the values of the first literal
//	$X, $F    what the call's method is of, and what is called
//	$L        what is assigned to
//	$K        the name of a field
//	$this     the receiver of the function around it
func becomes(text string) change {
	return func(p place) ([]overlay.Edit, error) {
		text, err := p.fill(text)
		return one(p.node, text), err
	}
}

func call(text string) change {
	return func(p place) ([]overlay.Edit, error) {
		call, ok := first(p.node, func(*ast.CallExpr) bool { return true })
		if !ok {
			return nil, fmt.Errorf("no call")
		}
		text, err := p.fill(text)
		return one(call, text), err
	}
}

// both makes two changes of one node.
func both(a, b change) change {
	return func(p place) ([]overlay.Edit, error) {
		first, err := a(p)
		if err != nil {
			return nil, err
		}
		second, err := b(p)
		for _, x := range first {
			for _, y := range second {
				if x.Pos < y.End && y.Pos < x.End {
					err = fmt.Errorf("the two changes overlap")
				}
			}
		}
		return append(first, second...), err
	}
}

var hole = regexp.MustCompile(`\$(?:[0-9XFLK]|this)`)

// fill fills the holes of a text.
func (p place) fill(text string) (filled string, err error) {
	filled = hole.ReplaceAllStringFunc(text, func(hole string) string {
		value := p.value(hole)
		if value == "" {
			err = fmt.Errorf("nothing for %s of %q", hole, text)
		}
		return value
	})
	return filled, err
}

func (p place) value(hole string) string {
	var args []ast.Expr
	call, called := first(p.node, func(*ast.CallExpr) bool { return true })
	if called {
		args = call.Args
	} else if lit, ok := first(p.node, func(*ast.CompositeLit) bool { return true }); ok {
		args = lit.Elts
	}
	switch name := hole[1:]; {
	case name == "X" && called:
		if method, ok := call.Fun.(*ast.SelectorExpr); ok {
			return p.Src(method.X)
		}
	case name == "F" && called:
		return p.Src(call.Fun)
	case name == "L":
		if assign, ok := p.node.(*ast.AssignStmt); ok {
			var names []string
			for _, l := range assign.Lhs {
				names = append(names, p.Src(l))
			}
			return strings.Join(names, ", ")
		}
	case name == "K":
		if field, ok := p.node.(*ast.KeyValueExpr); ok {
			return p.Src(field.Key)
		}
	case name == "this" && p.fn.Recv != nil && len(p.fn.Recv.List[0].Names) == 1:
		return p.fn.Recv.List[0].Names[0].Name
	case name[0] <= '9':
		if n := int(name[0] - '0'); n < len(args) {
			if field, ok := args[n].(*ast.KeyValueExpr); ok {
				return p.Src(field.Value)
			}
			return p.Src(args[n])
		}
	}
	return ""
}

// first is the first node of a kind in another, from the outside in.
func first[N ast.Node](in ast.Node, is func(N) bool) (found N, ok bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		if node, of := n.(N); of && !ok && is(node) {
			found, ok = node, true
		}
		return !ok
	})
	return found, ok
}
