// Package pair measures one thing against another in one run, in turn: machines
// drift, and a ratio of neighbours does not.
package pair

import (
	"cmp"
	"slices"
	"testing"
	"time"
)

// Unit is how a benchmark reports what it measured: how many times as long ours
// takes as theirs, the median of all pairs.
const Unit = "x"

// batch is how long one side of a pair takes at least: much longer than the
// clock's own cost, and much shorter than a turn of the host's scheduler.
const batch = 500 * time.Microsecond

// Ratio reports ours ÷ theirs. Each iteration is a pair of batches of as many
// calls as last for a batch; which of the two goes first changes.
func Ratio(b *testing.B, ours, theirs func()) {
	b.Helper()
	ours() // warm
	theirs()
	n := 1
	for ; took(n, theirs) < batch; n *= 2 {
	}
	var ratios []float64
	for b.Loop() {
		var o, t time.Duration
		if len(ratios)%2 == 0 {
			o, t = took(n, ours), took(n, theirs)
		} else {
			t, o = took(n, theirs), took(n, ours)
		}
		ratios = append(ratios, float64(o)/float64(t))
	}
	b.ReportMetric(Median(ratios), Unit)
	b.ReportMetric(0, "ns/op") // of both, which means nothing
}

func took(n int, f func()) time.Duration {
	begin := time.Now()
	for range n {
		f()
	}
	return time.Since(begin)
}

// Median is the middle of a list that is not empty.
func Median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
