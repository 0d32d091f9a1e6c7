package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Cell says what was hit: a fault of this kind, while this transition was
// the one to come, in a world with so many rotators.
type Cell struct {
	Action   rotation.Action
	Kind     Kind
	Rotators int
}

// A Coverage counts the faults that took effect. An outage that fails twelve
// calls counts twelve, one that no one notices counts nothing.
type Coverage map[Cell]int

// actions are the rows of the table.
var actions = []rotation.Action{
	rotation.Create, rotation.Publish, rotation.MarkReady, rotation.Promote,
	rotation.MarkSettled, rotation.Retire, rotation.Revoke, rotation.Record,
}

// struck counts a fault that took effect.
func (w *world) struck(k Kind, p *process) {
	w.Calls++
	w.note(uint64(len(k)))
	w.table[Cell{w.phase(p), k, w.script.Rotators}]++
}

// phase is the transition that comes next by the document, or by what a
// command asks for.
func (w *world) phase(p *process) rotation.Action {
	set := w.good
	if set == nil {
		return rotation.Create
	}
	next, published := set.Next()
	switch {
	case p != nil && len(p.ask.Revoke) > 0 && !slices.Contains(set.Revoked, p.ask.Revoke[0]):
		return rotation.Revoke
	case p != nil && p.ask.Rotate && published:
		return rotation.Record
	case published && (set.Ready == nil || set.Ready.Kid != next.Kid):
		return rotation.MarkReady
	case len(set.Previous()) > 0 && (set.Settled == nil || set.Settled.Kid != set.Signing().Kid):
		return rotation.MarkSettled
	case published:
		return rotation.Promote
	case len(set.Previous()) > 0 && !slices.ContainsFunc(set.Previous(), func(k keyset.Key) bool { return k.Expires.IsZero() }):
		return rotation.Retire
	}
	return rotation.Publish
}

// Add puts the counts of another world into c.
func (c Coverage) Add(o Coverage) {
	for cell, n := range o {
		c[cell] += n
	}
}

// Total is the number of faults.
func (c Coverage) Total() (n int) {
	for _, v := range c {
		n += v
	}
	return n
}

// impossible tells which cells stay empty: before there is a key nothing can be
// changed or asked of it, and a command is one process for a moment, whose
// calls only the weather reaches.
func (c Cell) impossible() bool {
	weather := []Kind{Outage, Throttle, Denied, LostReply, LostCall, LateCall}
	switch c.Action {
	case rotation.Create:
		return !slices.Contains(append(weather, Pause, Kill), c.Kind)
	case rotation.Revoke, rotation.Record:
		return !slices.Contains(weather, c.Kind)
	}
	return false
}

// Empty lists the cells that should not be empty and are.
func (c Coverage) Empty() (cells []Cell) {
	for _, a := range actions {
		for _, k := range kinds {
			for n := 1; n <= 4; n++ {
				cell := Cell{a, k.kind, n}
				if c[cell] == 0 && !cell.impossible() {
					cells = append(cells, cell)
				}
			}
		}
	}
	return cells
}

// String is the table, for 1/2/3/4 rotators in each cell.
func (c Coverage) String() string {
	var b strings.Builder
	b.WriteString("| fault |")
	for _, a := range actions {
		fmt.Fprintf(&b, " %s |", a)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(actions)) + "\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "| %s |", k.kind)
		for _, a := range actions {
			var counts []string
			for n := 1; n <= 4; n++ {
				counts = append(counts, fmt.Sprint(c[Cell{a, k.kind, n}]))
			}
			text := strings.Join(counts, "/")
			if (Cell{a, k.kind, 1}).impossible() {
				text = "–"
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteString("\n")
	}
	return b.String()
}
