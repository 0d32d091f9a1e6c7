package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake, or one thing to look at, in a config.
type Problem struct {
	File         string
	Line, Column int    // from 1, in characters
	Path         string // of the option: keys.auth-jwt.grace; "" for the file
	Msg          string // what is wrong
	Hint         string // what to do about it, or ""
	Excerpt      string // what may be shown of the line, with a caret under the column; or ""
}

// String renders the problem as a person reads it: place and message, the
// excerpt, the hint.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Msg)
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// Problems is every mistake of a config, as the error of Load: in the order of
// files and lines, never empty.
type Problems []Problem

// maxShown keeps a file that is something else altogether from flooding a
// terminal.
const maxShown = 50

// Error renders all problems, apart by empty lines.
func (p Problems) Error() string {
	var blocks []string
	for _, problem := range p[:min(len(p), maxShown)] {
		blocks = append(blocks, problem.String())
	}
	switch {
	case len(p) > maxShown:
		blocks = append(blocks, fmt.Sprintf("… and %d more: %d mistakes in the config", len(p)-maxShown, len(p)))
	case len(p) > 1:
		blocks = append(blocks, fmt.Sprintf("%d mistakes in the config", len(p)))
	}
	return strings.Join(blocks, "\n\n")
}

// A mistake is a Problem whose excerpt is not cut yet: what has to stay hidden
// is known only when the whole file was read.
type mistake struct {
	at        place
	msg, hint string
}

// problems turns mistakes into what is shown, in the order of the files and
// without the repetitions of one mistake in the defaults of many keys.
func (d *decoder) problems(mistakes []mistake) Problems {
	mistakes = slices.Clone(mistakes)
	slices.SortStableFunc(mistakes, func(a, b mistake) int {
		return cmp.Or(
			cmp.Compare(a.at.src.index, b.at.src.index),
			cmp.Compare(a.at.line, b.at.line),
			cmp.Compare(a.at.column, b.at.column),
			cmp.Compare(a.msg, b.msg),
		)
	})
	var all Problems
	for _, m := range mistakes {
		all = append(all, Problem{
			File: m.at.src.name, Line: m.at.line, Column: m.at.column, Path: d.path(m.at.path),
			Msg: m.msg, Hint: m.hint, Excerpt: m.at.src.excerpt(d.vocabulary, m.at.line, m.at.column),
		})
	}
	return slices.CompactFunc(all, func(a, b Problem) bool { return a == b })
}
