package sim

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// A Report is what a run of many worlds came to.
type Report struct {
	Seed      uint64
	Worlds    int
	Years     float64
	Rotations int
	Hash      uint64 // of everything that happened, in every world
	Coverage  Coverage
	Raw       int // refusals at readers that know only what signs
	Late      int // refusals at readers that could not read in time, or read what someone had changed
	Replaced  int // refusals of the key that replaced a compromised one
	Failure   *Failure

	bubble   Bubble
	patience time.Duration
}

// A Failure is a broken promise, and the world that it was broken in.
type Failure struct {
	Verdict *Verdict
	Script  *Script // with as few incidents as still break it
	Index   int
	Story   []string
}

// A Bubble runs a function inside a bubble of testing/synctest.
type Bubble func(func())

// Run plays worlds until they add up to so many simulated years, or one breaks
// a promise. For the failure, patience limits how long a shorter story is looked
// for.
func Run(bubble Bubble, seed uint64, years float64, patience time.Duration) *Report {
	r := &Report{Seed: seed, bubble: bubble, patience: patience, Coverage: Coverage{}}
	worlds := max(1, int(years*365.25*float64(day)/float64(NewScript(seed, 0).length())+0.999))
	for from := 0; from < worlds && r.Failure == nil; from += batch {
		r.playBatch(from, min(batch, worlds-from))
	}
	return r
}

// batch is how many worlds are played before anyone looks for a failure.
const batch = 16

// playBatch plays some worlds, as many at once as there are processors. What
// they did is added in their order, so a hash does not depend on that.
func (r *Report) playBatch(from, n int) {
	results := make([]*oracle, n)
	var wg sync.WaitGroup
	turn := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range turn {
				results[i] = r.bubble.play(NewScript(r.Seed, from+i), false)
			}
		})
	}
	for i := range n {
		turn <- i
	}
	close(turn)
	wg.Wait()
	for i, o := range results {
		r.add(o)
		if o.verdict != nil && r.Failure == nil {
			r.Failure = r.explain(o.w.script, from+i, o.verdict)
		}
	}
}

func (r *Report) add(o *oracle) {
	r.Worlds++
	r.Years += float64(o.w.now.Sub(start)) / float64(day) / 365.25
	r.Rotations += o.Rotations
	r.Hash = r.Hash*1099511628211 ^ o.w.hash
	r.Coverage.Add(o.table)
	r.Raw += o.refused.raw
	r.Late += o.refused.late
	r.Replaced += o.refused.replaced
}

// Summary is one line.
func (r *Report) Summary() string {
	return fmt.Sprintf("seed %d: %.1f years in %d worlds, %d rotations, %d faults, hash %016x; refusals: %d at raw readers, %d beyond the bounds, %d right after a compromise",
		r.Seed, r.Years, r.Worlds, r.Rotations, r.Coverage.Total(), r.Hash, r.Raw, r.Late, r.Replaced)
}

// explain makes the story of a failure short.
func (r *Report) explain(s *Script, index int, v *Verdict) *Failure {
	short := r.bubble.shrink(s, v, time.Now().Add(r.patience))
	o := r.bubble.play(short, true)
	f := &Failure{Verdict: o.verdict, Script: short, Index: index, Story: o.story}
	if f.Verdict == nil { // not reached: playing is exact
		f.Verdict = v
	}
	return f
}
