package providertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What can go wrong with any call, by the words that every adapter's test of a
// life uses for it. What else its service knows it adds under words of its own.
const (
	FailsBefore = "fails before" // the connection breaks, and the call is not made
	ReplyLost   = "reply lost"   // it is applied, and the connection breaks
	Paused      = "paused 30 h"  // it reaches the service 30 hours late
	TimedOut    = "timed out"    // it is applied, and no reply comes in time
	Throttled   = "429"
	Denied      = "403"
)

// Common are these, in the order of the table.
var Common = []string{FailsBefore, ReplyLost, Paused, TimedOut, Throttled, Denied}

// Points counts the points at which a life was made to fail: a call of the API,
// and what goes wrong with it.
type Points map[string]map[string]int

// Add notes one.
func (p Points) Add(call, fault string) {
	if p[call] == nil {
		p[call] = map[string]int{}
	}
	p[call][fault]++
}

// Report prints the table, and holds that each call that changes something was
// made to fail in each of the ways above. calls is how many a life has.
func (p Points) Report(t testing.TB, calls int, changes ...string) {
	t.Helper()
	all, total := map[string]bool{}, 0
	for _, row := range p {
		for fault, n := range row {
			all[fault] = true
			total += n
		}
	}
	columns := slices.Clone(Common)
	for _, fault := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(Common, fault) {
			columns = append(columns, fault)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d points of failure in a life of %d calls\n%-26s", total, calls, "")
	for _, c := range columns {
		fmt.Fprintf(&b, " | %s", c)
	}
	for _, call := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "\n%-26s", call)
		for _, c := range columns {
			fmt.Fprintf(&b, " | %*d", len(c), p[call][c])
		}
	}
	t.Log(b.String())
	for _, call := range changes {
		for _, c := range Common {
			if p[call][c] == 0 {
				t.Errorf("%s was not tried with: %s", call, c)
			}
		}
	}
}
