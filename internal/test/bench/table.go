package main

import (
	"fmt"
	"io"
	"strings"
)

// A table is one section of the report: what was measured, by which command.
type table struct {
	title, command string
	head           []string // "" for the usual one
	rows           [][]string
}

// usual is the head of a table whose rows are measured against goals.
var usual = []string{"what", "measured", "goal", ""}

// row adds something measured to a table of the usual head.
func (t *table) row(what, measured, goal string, met bool) {
	verdict := "met"
	if !met {
		verdict = "**not met**"
	}
	t.rows = append(t.rows, []string{what, measured, goal, verdict})
}

// told adds something that has no goal.
func (t *table) told(what, measured string) {
	t.rows = append(t.rows, []string{what, measured, "–", ""})
}

// skipped makes t one that says why it was not measured.
func (t *table) skipped(why error) *table {
	t.head, t.rows = nil, nil
	t.told("not measured", why.Error())
	return t
}

// print writes the table as Markdown.
func (t *table) print(w io.Writer) {
	head := t.head
	if head == nil {
		head = usual
	}
	fmt.Fprintf(w, "### %s\n\n`%s`\n\n", t.title, t.command)
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r, " | "))
	}
	fmt.Fprintln(w)
}
