package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// Plan returns the one step that comes next. It is total: every combination of
// facts has an answer, and the answer depends on nothing else.
func Plan(p Policy, f Facts) Step {
	if f.Set == nil {
		return Step{Do: Create, At: f.Clock.stamp(), Why: "the store has no keyset of this name yet"}
	}
	return planner{p: p, f: f, set: f.Set, early: f.Clock.Early(), late: f.Clock.late()}.plan()
}

// A planner is the arguments of Plan with what is asked of them again and
// again. Each of its methods is one rule and returns the step that the rule
// calls for; ok is false if it calls for none.
type planner struct {
	p           Policy
	f           Facts
	set         *keyset.Set
	early, late time.Time
}

func (pl planner) plan() Step {
	rules := []func() (Step, bool){pl.revoke}
	if pl.doubt(pl.p.Propagation) == "" {
		rules = append(rules, pl.ready, pl.settled, pl.retire, pl.promote, pl.publish)
	}
	for _, rule := range append(rules, pl.record) {
		if step, ok := rule(); ok {
			return step
		}
	}
	return pl.wait()
}

// doubt is why the time cannot be trusted to end a wait of this length; "" if
// it can. In doubt no mark is made either: it would carry the wrong time.
func (pl planner) doubt(wait time.Duration) string {
	return pl.f.Clock.doubt(pl.set.NewestTime(), wait+pl.p.Skew())
}

// revoke: compromised kids that are not on the revoked list yet.
func (pl planner) revoke() (Step, bool) {
	for _, kid := range pl.f.Request.Revoke {
		if !slices.Contains(pl.set.Revoked, kid) {
			return Step{Do: Revoke, Kid: kid, At: pl.f.Clock.stamp(), Why: "reported as compromised"}, true
		}
	}
	return Step{}, false
}

// ready: next stands in the store (it was just read there) and in every output
// that carries it, and that was not noted yet, or not with these outputs.
func (pl planner) ready() (Step, bool) {
	next, ok := pl.set.Next()
	if !ok || pl.behind(carriesNext) != "" || pl.seen(pl.set.Ready, next.Kid, carriesNext) {
		return Step{}, false
	}
	if !pl.othersReady().IsZero() {
		return Step{}, false
	}
	return Step{Do: MarkReady, Kid: next.Kid, At: pl.late, Why: "next was read back everywhere", Places: pl.f.places(carriesNext)}, true
}

// settled: current stands everywhere while keys that it replaced still verify.
func (pl planner) settled() (Step, bool) {
	current := pl.set.Signing()
	if len(pl.set.Previous()) == 0 || pl.behind(anyOutput) != "" || pl.seen(pl.set.Settled, current.Kid, anyOutput) {
		return Step{}, false
	}
	if !pl.othersSettled().IsZero() {
		return Step{}, false
	}
	return Step{
		Do: MarkSettled, Kid: current.Kid, At: pl.late, Places: pl.f.places(anyOutput),
		Why: "current was read back everywhere; the grace of the keys before it begins",
	}, true
}

// retire: the oldest previous key whose stored date has passed, while every
// output shows its successor.
func (pl planner) retire() (Step, bool) {
	if pl.doubt(pl.p.Grace) != "" || pl.behind(anyOutput) != "" {
		return Step{}, false
	}
	previous := pl.set.Previous()
	for i := len(previous) - 1; i >= 0; i-- {
		k := previous[i]
		if k.Expires.IsZero() || pl.early.Before(k.Expires.Add(pl.p.Skew())) {
			continue
		}
		return Step{Do: Retire, Kid: k.Kid, At: pl.early, Why: "its grace ended at " + k.Expires.Format(time.RFC3339)}, true
	}
	return Step{}, false
}

// promote: next stood, seen everywhere, for the propagation, and its time has
// come or someone asked.
func (pl planner) promote() (Step, bool) {
	next, ok := pl.set.Next()
	if !ok || pl.behind(carriesNext) != "" || !pl.seen(pl.set.Ready, next.Kid, carriesNext) || pl.early.Before(pl.known()) {
		return Step{}, false
	}
	why, wanted := pl.wanted(0)
	if !wanted {
		return Step{}, false
	}
	return Step{Do: Promote, Kid: next.Kid, At: pl.late, Why: why}, true
}

// publish: a rotation is wanted and nothing stands as next.
func (pl planner) publish() (Step, bool) {
	if _, ok := pl.set.Next(); ok {
		return Step{}, false
	}
	why, wanted := pl.wanted(pl.p.Lead())
	if !wanted || !pl.set.HasRoom() {
		return Step{}, false
	}
	return Step{Do: Publish, At: pl.late, Why: why}, true
}

// record: a request that no other write took along.
func (pl planner) record() (Step, bool) {
	if r, ok := pl.newRequest(); ok {
		return Step{Do: Record, Kid: r.From, At: pl.f.Clock.stamp(), Why: "a rotation was asked for"}, true
	}
	return Step{}, false
}

// wanted tells whether a rotation away from current is wanted by lead from now,
// and why.
func (pl planner) wanted(lead time.Duration) (string, bool) {
	if r, ok := pl.newRequest(); ok {
		return "asked for by " + r.By, true
	}
	if r, ok := pl.set.Pending(); ok {
		return "asked for by " + r.By, true
	}
	due := pl.due()
	if due.IsZero() || pl.early.Before(due.Add(-lead)) {
		return "", false
	}
	return "due at " + due.Format(time.RFC3339), true
}

// newRequest is the request at hand, if it is about the key that is current
// and not on record yet.
func (pl planner) newRequest() (keyset.Request, bool) {
	r := pl.f.Request.Rotate
	if r == nil || r.From != pl.set.Signing().Kid {
		return keyset.Request{}, false
	}
	if _, known := pl.set.Recorded(r.ID); known {
		return keyset.Request{}, false
	}
	return *r, true
}

// wait: the earliest time at which one of the rules can change its mind, and
// what a person should know until then.
//
// A time that has passed is not among them: then something else is in the way,
// and no one can tell until when.
func (pl planner) wait() Step {
	step := Step{Do: Wait, Why: "nothing is due"}
	add := func(t time.Time, why string) {
		if t.After(pl.early) && (step.At.IsZero() || t.Before(step.At)) {
			step.At, step.Why = t, why
		}
	}
	for _, until := range []time.Time{pl.othersReady(), pl.othersSettled()} {
		add(until, "this process makes its own mark then")
	}
	for _, k := range pl.set.Previous() {
		if !k.Expires.IsZero() {
			add(k.Expires.Add(pl.p.Skew()), "kid "+k.Kid+" is removed then")
		}
	}
	due := pl.due()
	if next, ok := pl.set.Next(); !ok && !due.IsZero() {
		add(due.Add(-pl.p.Lead()), "the next key is published then")
	} else if ok && pl.seen(pl.set.Ready, next.Kid, carriesNext) {
		at := pl.known()
		if _, wanted := pl.wanted(0); !wanted && due.After(at) {
			at = due
		}
		add(at, "kid "+next.Kid+" begins to sign then")
	}
	if !step.At.IsZero() {
		// The host's clock will show that time later where the store's is behind.
		step.At = step.At.Add(pl.f.Clock.Wall.Sub(pl.early))
	}
	if step.Alarm = pl.alarm(); step.Alarm != "" && step.At.IsZero() {
		step.Why = "something is in the way, as the alarm tells"
	}
	return step
}

// alarm is what keeps work from going on.
func (pl planner) alarm() string {
	// The longer wait is the one that is doubted for longer.
	switch doubt := pl.doubt(max(pl.p.Grace, pl.p.Propagation)); {
	case doubt != "":
		return "the time is in doubt: " + doubt + ". Until then no key is deleted, and none begins to sign unless this process ran through its whole wait"
	case !pl.othersReady().IsZero() || !pl.othersSettled().IsZero():
		return "another process has other outputs for this key, and made its mark in place of this one's: " + pl.differ() + ". Give all the same config, and reload them"
	case pl.behind(anyOutput) != "":
		return "an output is behind: " + pl.behind(anyOutput) + ". Nothing is retired until it is back"
	}
	_, next := pl.set.Next()
	if _, wanted := pl.wanted(pl.p.Lead()); wanted && !next && !pl.set.HasRoom() {
		return fmt.Sprintf("a rotation is wanted, but %d keys are live already; the next one is made when one of them has left its grace", len(pl.set.Keys))
	}
	return ""
}

func (pl planner) due() time.Time { return pl.p.Due(pl.set.Signing().NotBefore) }

// known is when everyone has next; the zero time where everything reads at use.
func (pl planner) known() time.Time {
	if pl.p.Propagation == 0 {
		return time.Time{}
	}
	return pl.set.Ready.At.Add(pl.p.Propagation + pl.p.Skew())
}

func anyOutput(Output) bool     { return true }
func carriesNext(o Output) bool { return o.CarriesNext }

// behind is why one of the chosen outputs is not up to date; "" if all are.
func (pl planner) behind(which func(Output) bool) string {
	for _, o := range pl.f.Outputs {
		if which(o) && o.Behind != "" {
			return o.Name + ": " + o.Behind
		}
	}
	return ""
}

// seen tells whether a mark speaks of this key, of the store and of the chosen
// outputs as they are now.
func (pl planner) seen(m *keyset.Mark, kid string, which func(Output) bool) bool {
	return !pl.f.Covered && m != nil && m.Kid == kid && m.Places == pl.f.places(which).Digest()
}

// othersReady and othersSettled are until when a mark is left to another process
// that has other outputs; zero if it is not.
func (pl planner) othersReady() time.Time {
	return pl.others(pl.set.Ready, pl.f.Ready, pl.p.Propagation, carriesNext)
}

func (pl planner) othersSettled() time.Time {
	return pl.others(pl.set.Settled, pl.f.Settled, pl.p.Grace, anyOutput)
}

// others tells whether the mark that this process made was made anew by another
// one, although its own outputs are as they were. Were it made anew again, each
// would put off the wait of the other for ever. So it stands until that wait is
// over and the other one has acted on it; if none has, it is gone, or is stopped.
func (pl planner) others(m, own *keyset.Mark, wait time.Duration, which func(Output) bool) (until time.Time) {
	if m == nil || own == nil || m.Kid != own.Kid || !pl.seen(own, own.Kid, which) || pl.seen(m, m.Kid, which) {
		return time.Time{}
	}
	if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {
		return until
	}
	return time.Time{}
}

// differ tells which outputs the document knows and this process does not.
func (pl planner) differ() string {
	var more []string
	for _, o := range pl.set.Outputs {
		if !slices.ContainsFunc(pl.f.Outputs, func(own Output) bool { return own.Name == o.Name }) {
			more = append(more, o.Name)
		}
	}
	if len(more) == 0 {
		return "it lacks some of those that this one has"
	}
	return "this one does not have " + strings.Join(more, ", ")
}

// places is the chosen outputs as a mark notes them.
func (f Facts) places(which func(Output) bool) keyset.Places {
	var places keyset.Places
	for _, o := range f.Outputs {
		if which(o) {
			places = append(places, keyset.Place{Output: o.Name, Revision: o.Revision})
		}
	}
	return places
}
