package sim

import (
	"fmt"
	"os"
	"testing"
)

// An interleaving is one size: how often each writer writes.
type interleaving struct {
	shape  Shape
	rounds []int
}

// Those that `go test` has the time for, and those that `make interleavings`
// adds. enough is what the model had that shaped the design.
var (
	quick = []interleaving{
		{Swap, []int{1, 1}}, {Swap, []int{1, 1, 1}}, {Swap, []int{2, 2}},
		{File, []int{1, 1}}, {File, []int{1, 1, 1}}, {File, []int{2, 2}},
		{Label, []int{1, 1}}, {Label, []int{1, 1, 1}},
		{Alias, []int{1, 1}}, {Alias, []int{2, 1}},
		{Detect, []int{1, 1}}, {Detect, []int{2, 1}},
	}
	long = []interleaving{
		{Label, []int{2, 2}}, {Label, []int{3, 2}}, {Label, []int{2, 1, 1}},
		{Alias, []int{1, 1, 1}}, {Alias, []int{2, 2}}, {Alias, []int{3, 2}}, {Alias, []int{2, 1, 1}}, {Alias, []int{3, 3}},
		{Detect, []int{2, 2}}, {Detect, []int{1, 1, 1}}, {Detect, []int{3, 2}}, {Detect, []int{4, 2}},
	}
	enough = map[Shape]int{Label: 242_147, Alias: 2_474_560, Detect: 5_286_518}
)

// Every interleaving of conditional write and erasure, for every shape.
func TestEveryInterleaving(t *testing.T) {
	all, limit := quick, 1_000_000
	if os.Getenv("ROTATE_EXPLORE") != "" {
		all, limit = append(quick, long...), 12_000_000
	}
	most := map[Shape]int{}
	for _, i := range all {
		e := Explore(i.shape, i.rounds, limit)
		what := fmt.Sprintf("%s, writers that write %v times", i.shape, i.rounds)
		whole := "all there are"
		if !e.Whole {
			whole = "cut off there"
		}
		t.Logf("%s: %d states (%s), %d ends", what, e.States, whole, e.Ends)
		if e.Broken != "" {
			t.Errorf("%s: %s", what, e.Broken)
		}
		most[i.shape] = max(most[i.shape], e.States)
	}
	for shape, want := range enough {
		if limit > 1_000_000 && most[shape] < want {
			t.Errorf("%s: %d states at most, want %d", shape, most[shape], want)
		}
	}
}
