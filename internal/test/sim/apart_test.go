package sim

import (
	"testing"
	"time"
)

// Rotators whose configs differ in their outputs, on a store whose reads are up
// to half an hour old, and paused inside their writes: keys are rotated, and no
// output is ever moved backwards, nor is anything else of promises 1 and 6
// broken. What is: nobody waits for an output that only others have, so its
// readers may know a key too late.
func TestDifferentOutputsNeverMoveBackwards(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		s := quiet(atWrites(Pause, 3*hour, 0)...)
		s.Seed, s.Apart, s.Beyond, s.Stale = seed, true, true, 30*time.Minute
		o := bubble(t).play(s, true)
		t.Logf("seed %d: %d rotations; broken, by promise: %v", seed, o.Rotations, o.broken)
		if o.Rotations < 3 || o.broken[1] > 0 || o.broken[6] > 0 {
			t.Errorf("seed %d: %d rotations, broken by promise: %v", seed, o.Rotations, o.broken)
		}
	}
}
