package sim

import (
	"os"
	"testing"
)

func TestEveryInterleaving(t *testing.T) {
	const limit = 20_000_000
	for _, shape := range Shapes() {
		for _, rounds := range [][]int{{1, 1}, {1, 1, 1}, {2, 2}, {3, 3}} {
			if os.Getenv("ROTATE_EXPLORE") == "" && rounds[0] == 3 {
				continue
			}
			e := Explore(shape, rounds, 1000000)
			t.Logf("%s, rounds %v: %d states, whole %v, %d ends %s", shape, rounds, e.States, e.Whole, e.Ends, e.Broken)
		}
	}
}
