package sim

import (
	"os"
	"testing"
)

// Every interleaving of conditional write and erasure, for every shape:
// two and three writers that write once; more than once where ROTATE_EXPLORE
// asks for it.
func TestEveryInterleaving(t *testing.T) {
	all := os.Getenv("ROTATE_EXPLORE") != ""
	sizes := [][2]int{{2, 1}, {3, 1}}
	if all {
		sizes = append(sizes, [][2]int{{2, 2}, {2, 3}}...)
	}
	const limit = 1_000_000
	for _, shape := range Shapes() {
		for _, size := range sizes {
			if shape == Detect && size[0] > 2 && !all {
				continue // a quarter of a million states
			}
			e := Explore(shape, size[0], size[1], limit)
			whole := "all"
			if e.States == limit {
				whole = "cut off"
			}
			t.Logf("%s, %d writers, %d rounds: %d states (%s), %d ends", shape, e.Writers, e.Rounds, e.States, whole, e.Ends)
			if e.Broken != "" {
				t.Errorf("%s, %d writers, %d rounds: %s", shape, e.Writers, e.Rounds, e.Broken)
			}
		}
	}
}
