package main

import (
	"fmt"
	"go/ast"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

// An own mutant is a change that no operator makes, or that once survived. It is
// found by the syntax tree: the nth node of a function with this text, from 0.
type own struct {
	what           string
	file, function string
	text           string
	nth            int
	instead        string
	tests          string
	imports        string // what the change needs to import beyond what is there
}

// tryOurs tries the list, and returns how many were killed and what survived.
func tryOurs() (killed int, survived []error) {
	for _, m := range ours {
		who, err := m.try()
		switch {
		case err != nil:
			survived = append(survived, fmt.Errorf("ours, %s: %w", m.what, err))
		case len(who) == 0:
			survived = append(survived, fmt.Errorf("ours, %s: no test of %s fails", m.what, m.tests))
		default:
			killed++
		}
	}
	fmt.Printf("== ours: %d of %d mutants killed\n", killed, len(ours))
	return killed, survived
}

func (m own) try() (who []string, err error) {
	src, err := overlay.Read(root, m.file)
	if err != nil {
		return nil, err
	}
	node, err := m.find(src)
	if err != nil {
		return nil, err
	}
	edits := []overlay.Edit{overlay.Instead(node, m.instead)}
	if m.imports != "" {
		first := src.File.Imports[0]
		edits = append(edits, overlay.Instead(first, m.imports+"\n"+src.Src(first)))
	}
	return overlay.Test(root, m.tests, m.file, src.With(edits...))
}

func (m own) find(src *overlay.Source) (found ast.Node, err error) {
	n := m.nth
	for _, fn := range src.Functions() {
		if overlay.Name(fn) != m.function {
			continue
		}
		ast.Inspect(fn, func(node ast.Node) bool {
			if node == nil || found != nil {
				return false
			}
			if src.Src(node) != m.text {
				return true
			}
			if n == 0 {
				found = node
			}
			n--
			return false
		})
	}
	if found == nil {
		return nil, fmt.Errorf("`%s` does not stand in %s of %s: change the list to what stands there now", m.text, m.function, m.file)
	}
	return found, nil
}
