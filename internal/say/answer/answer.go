// Package answer has the words for what operations (package ops) answer: what was
// done, what is true now, and what comes next.
package answer

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/form"
)

// An Answer is what there is to say about one key.
type Answer struct {
	Head    string      // what happened, in one line
	Text    string      // for standard output: Head and what else there is to say
	Alarm   string      // a person should look, although it is done; "" if none has to
	Warning string      // all went as it was asked for, at a price; "" if there is none
	Form    form.Answer // the same for programs; nil where there is no form
}

// Line is an answer of one line.
func Line(text string) Answer { return Answer{Head: text, Text: text + "\n"} }

// with is the answer with its form.
func (a Answer) with(f form.Answer) Answer {
	a.Form = f
	return a
}

// A sheet is a headline with named facts below it.
type sheet struct {
	head string
	now  time.Time
	rows strings.Builder
}

// row adds a fact, later lines below the first.
func (s *sheet) row(name, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(&s.rows, "  %-8s  %s\n", name, line)
	}
}

func (s *sheet) answer(alarm string) Answer {
	return Answer{Head: s.head, Text: s.head + "\n" + s.rows.String(), Alarm: alarm}
}

// also puts two alarms together, of which each may be "".
func also(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ". Also: " + b
}
