package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake, or one thing to look at, in a config.
type Problem struct {
	File         string
	Line, Column int    // from 1, in characters; 0 if it is about the file itself
	Path         string // of the option: keys.auth-jwt.grace; "" for the file
	Msg          string // what is wrong
	Hint         string // what to do about it, or ""
	Excerpt      string // what may be shown of the line, with a caret under the column; or ""
}

// String renders the problem as a person reads it: place and message, the
// excerpt, the hint.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
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

// MaxShown keeps a file that is something else altogether from flooding a
// terminal.
const MaxShown = 50

// Error renders all problems, apart by empty lines.
func (p Problems) Error() string {
	var blocks []string
	for _, problem := range p[:min(len(p), MaxShown)] {
		blocks = append(blocks, problem.String())
	}
	switch {
	case len(p) > MaxShown:
		blocks = append(blocks, fmt.Sprintf("… and %d more: %d mistakes in the config", len(p)-MaxShown, len(p)))
	case len(p) > 1:
		blocks = append(blocks, fmt.Sprintf("%d mistakes in the config", len(p)))
	}
	return strings.Join(blocks, "\n\n")
}

// A mistake is a Problem whose excerpt is not cut yet: what has to stay hidden
// is known only when the whole file was read.
type mistake struct {
	at        Place
	msg, hint string
}

// A report collects mistakes and warnings. It shows what its mask lets through.
type report struct {
	mistakes []mistake
	warnings []mistake
	*mask
}

// Fail notes a mistake.
func (r *report) Fail(at Place, hint, format string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{at, fmt.Sprintf(format, args...), hint})
}

// Failed counts the mistakes so far.
func (r *report) Failed() int { return len(r.mistakes) }

// Warn notes what is accepted but not advised.
func (r *report) Warn(at Place, msg string) { r.warnings = append(r.warnings, mistake{at, msg, ""}) }

// Accepted is what was warned of.
func (r *report) Accepted() Problems { return r.problems(r.warnings) }

// Err is every mistake as Problems, or nil.
func (r *report) Err() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	return r.problems(r.mistakes)
}

// problems turns mistakes into what is shown, in the order of the files and
// without the repetitions of one mistake in the defaults of many keys.
func (r *report) problems(mistakes []mistake) Problems {
	mistakes = slices.Clone(mistakes)
	slices.SortStableFunc(mistakes, func(a, b mistake) int {
		return cmp.Or(
			cmp.Compare(a.at.src.index, b.at.src.index),
			cmp.Compare(a.at.Line, b.at.Line),
			cmp.Compare(a.at.column, b.at.column),
			cmp.Compare(a.msg, b.msg),
		)
	})
	var all Problems
	for _, m := range mistakes {
		all = append(all, Problem{
			File: m.at.src.name, Line: m.at.Line, Column: m.at.column, Path: pathText(m.at.Path),
			Msg: m.msg, Hint: m.hint, Excerpt: m.at.src.excerpt(r.mask, m.at.Line, m.at.column),
		})
	}
	return slices.CompactFunc(all, func(a, b Problem) bool { return a == b })
}
