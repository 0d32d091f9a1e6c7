package rotation

import (
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// othersReady and othersSettled are until when a mark is left to another process
// that has other outputs; zero if it is not.
func (pl planner) othersReady() time.Time {
	return pl.others(pl.set.Ready, pl.f.Ready, pl.p.Propagation, carriesNext)
}

func (pl planner) othersSettled() time.Time {
	return pl.others(pl.set.Settled, pl.f.Settled, pl.p.Grace, anyOutput)
}

// others is until when this process leaves another one's mark alone. The other
// one replaced this one's mark, though the outputs here have not changed. If
// this one replaced it in turn, each would put off the other's wait for ever.
// So the mark stands until its wait is over: who has not acted on it by then is
// gone, or stopped.
func (pl planner) others(m, own *keyset.Mark, wait time.Duration, which func(Output) bool) (until time.Time) {
	if m == nil || own == nil || m.Kid != own.Kid || !pl.seen(own, own.Kid, which) || pl.seen(m, m.Kid, which) {
		return time.Time{}
	}
	// guard 8: another's mark is not made anew while its wait runs
	// guard 8: another's mark is made anew once its wait is over
	if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {
		return until
	}
	return time.Time{}
}

// lacking names the outputs that the document knows and this process does not
// have; "" if it is the other one that lacks some.
func (pl planner) lacking() string {
	var more []string
	for _, o := range pl.set.Outputs {
		if !slices.ContainsFunc(pl.f.Outputs, func(own Output) bool { return own.Name == o.Name }) {
			more = append(more, o.Name)
		}
	}
	return strings.Join(more, ", ")
}
