package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// shrink leaves out incidents, halves of them first, as long as the same
// promise is still broken.
func (b Bubble) shrink(s *Script, v *Verdict, until time.Time) *Script {
	at := v.At
	broken := func(c *Script) bool {
		o := b.play(c, false)
		if o.verdict == nil || o.verdict.Promise != v.Promise {
			return false
		}
		at = o.verdict.At
		return true
	}
	// What comes after the failure has no part in it.
	before := func(c *Script) *Script {
		short := *c
		short.Incidents = slices.DeleteFunc(slices.Clone(c.Incidents), func(i Incident) bool { return i.At > at })
		return &short
	}
	best := before(s)
	for size := len(best.Incidents) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(best.Incidents) && time.Now().Before(until); {
			c := *best
			c.Incidents = slices.Delete(slices.Clone(best.Incidents), from, from+size)
			if broken(&c) {
				best = before(&c)
				continue
			}
			from += size
		}
	}
	return best
}

// lastLines is how much of a story is worth printing.
const lastLines = 40

// String tells what was broken, how to see it again, and the story.
func (f *Failure) String() string {
	s := f.Script
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nseed %d, world %d: store %s, %d rotators, %d outputs, propagation %s, grace %s, period %s%s\n",
		f.Verdict, s.Seed>>20, f.Index, s.Shape, s.Rotators, len(s.Outputs), rotation.Duration(s.Propagation), rotation.Duration(s.Grace), rotation.Duration(s.Period), s.Cron)
	fmt.Fprintf(&b, "%d incidents are enough:\n", len(s.Incidents))
	for _, i := range s.Incidents {
		fmt.Fprintf(&b, "  day %6.2f  %s\n", i.At.Hours()/24, i.words(s))
	}
	b.WriteString("how it ended:\n")
	for _, line := range f.Story[max(0, len(f.Story)-lastLines):] {
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}
