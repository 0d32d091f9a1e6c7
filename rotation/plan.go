package rotation

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// Plan returns the one step that comes next. It is total: every combination of
// facts has an answer, and the answer depends on nothing else.
func Plan(p Policy, f Facts) Step {
	if f.Set == nil {
		return begins(f)
	}
	pl := planner{Outlook: Outlook{p, f.Set}, p: p, f: f, set: f.Set, early: f.Clock.Early(), late: f.Clock.late()}
	step := pl.plan()
	step.Alarms = pl.alarms()
	if step.Do == Wait && step.At.IsZero() && len(step.Alarms) > 0 {
		step.Why = Reason{Code: InTheWay}
	}
	return step
}

// A planner is the arguments of Plan, with what the rules ask of them again and
// again. Each method is one rule. It returns the step that the rule calls for;
// ok is false if it calls for none.
type planner struct {
	Outlook
	p           Policy
	f           Facts
	set         *keyset.Set
	early, late time.Time
}

func (pl planner) plan() Step {
	rules := []func() (Step, bool){pl.buryNow, pl.revoke, pl.rename}
	if pl.doubt(pl.p.Propagation).IsZero() {
		rules = append(rules, pl.ready, pl.settled, pl.retire, pl.promote, pl.publish)
	}
	for _, rule := range append(rules, pl.bury, pl.record) {
		if step, ok := rule(); ok {
			return step
		}
	}
	return pl.wait()
}

// doubt is why the time cannot be trusted to end a wait of this length; zero if
// it can. In doubt no mark is made either: it would carry the wrong time.
func (pl planner) doubt(wait time.Duration) Reason {
	return pl.f.Clock.doubt(pl.set.NewestTime(), wait+pl.p.Skew())
}

// revoke: compromised kids that are not on the revoked list yet.
func (pl planner) revoke() (Step, bool) {
	for _, kid := range pl.f.Request.Revoke {
		if !slices.Contains(pl.set.Revoked, kid) {
			return Step{Do: Revoke, Kid: kid, At: pl.f.Clock.stamp(), Why: Reason{Code: Compromised}}, true
		}
	}
	return Step{}, false
}

// rename: the keyset has a name that its key had before.
func (pl planner) rename() (Step, bool) {
	if pl.f.Name == "" || pl.f.Name == pl.set.Name {
		return Step{}, false
	}
	return Step{Do: Rename, At: pl.f.Clock.stamp(), Why: Reason{Code: WasCalled, Is: pl.set.Name}}, true
}

// ready: next stands in the store (it was just read there) and in every output
// that carries it, and that was not noted yet, or not with these outputs.
func (pl planner) ready() (Step, bool) {
	next, ok := pl.set.Next()
	if !ok ||
		// guard 2: ready wants every output to carry next
		pl.behind(carriesNext) || pl.seen(pl.set.Ready, next.Kid, carriesNext) {
		return Step{}, false
	}
	if !pl.othersReady().IsZero() {
		return Step{}, false
	}
	return Step{Do: MarkReady, Kid: next.Kid, At: pl.late, Why: Reason{Code: SeenNext}, Places: pl.f.places(carriesNext)}, true
}

// settled: current stands everywhere while keys that it replaced still verify.
func (pl planner) settled() (Step, bool) {
	current := pl.set.Signing()
	if len(pl.set.Previous()) == 0 && pl.set.Removing == nil ||
		// guard 3: the grace begins when the promotion was seen, not when it was written
		pl.behind(anyOutput) || pl.seen(pl.set.Settled, current.Kid, anyOutput) {
		return Step{}, false
	}
	if !pl.othersSettled().IsZero() {
		return Step{}, false
	}
	why := Reason{Code: SeenCurrent}
	if pl.set.Removing != nil {
		why.Code = SeenEnd
	}
	return Step{Do: MarkSettled, Kid: current.Kid, At: pl.late, Places: pl.f.places(anyOutput), Why: why}, true
}

// retire: the oldest previous key whose stored date has passed, while every
// output shows its successor.
func (pl planner) retire() (Step, bool) {
	if !pl.doubt(pl.p.Grace).IsZero() ||
		// guard 3: retirement waits for the outputs
		pl.behind(anyOutput) {
		return Step{}, false
	}
	previous := pl.set.Previous()
	for i := len(previous) - 1; i >= 0; i-- {
		k := previous[i]
		if k.Expires.IsZero() ||
			// guard 3: retirement waits for the stored date
			pl.early.Before(pl.Removed(k)) {
			continue
		}
		return Step{Do: Retire, Kid: k.Kid, At: pl.early, Why: Reason{Code: GraceOver, Kid: k.Kid, At: k.Expires}}, true
	}
	return Step{}, false
}

// promote: next stood, seen everywhere, for the propagation, and its time has
// come, within the window, or someone asked.
func (pl planner) promote() (Step, bool) {
	next, ok := pl.set.Next()
	if !ok || pl.held() || pl.behind(carriesNext) || !pl.seen(pl.set.Ready, next.Kid, carriesNext) ||
		// guard 2: promotion waits for the propagation
		pl.p.Propagation > 0 && pl.early.Before(pl.Known()) {
		return Step{}, false
	}
	why, wanted := pl.wanted(0)
	if !wanted || why.Code == ScheduleDue && !pl.p.Window.Open(pl.early) {
		return Step{}, false
	}
	return Step{Do: Promote, Kid: next.Kid, At: pl.late, Why: why}, true
}

// publish: a rotation is wanted and nothing stands as next.
func (pl planner) publish() (Step, bool) {
	if _, ok := pl.set.Next(); ok || pl.held() {
		return Step{}, false
	}
	why, wanted := pl.wanted(pl.p.Lead())
	if !wanted || !pl.set.HasRoom() {
		return Step{}, false
	}
	return Step{Do: Publish, At: pl.late, Why: why}, true
}

// held tells whether a pause, or a removal, holds publish and promote. It holds nothing else.
func (pl planner) held() bool { return !pl.set.Paused.Over(pl.early) || pl.set.Removing != nil }

// record: a request that no other write took along.
func (pl planner) record() (Step, bool) {
	if r, ok := pl.newRequest(); ok {
		return Step{Do: Record, Kid: r.From, At: pl.f.Clock.stamp(), Why: Reason{Code: RequestNew, Whose: r.By}}, true
	}
	return Step{}, false
}

// wanted tells whether a rotation away from current is wanted by lead from now,
// and why.
func (pl planner) wanted(lead time.Duration) (Reason, bool) {
	if r, ok := pl.newRequest(); ok {
		return Reason{Code: AskedFor, Whose: r.By}, true
	}
	if r, ok := pl.set.Pending(); ok {
		return Reason{Code: AskedFor, Whose: r.By}, true
	}
	due := pl.Due()
	if due.IsZero() || pl.early.Before(due.Add(-lead)) {
		return Reason{}, false
	}
	return Reason{Code: ScheduleDue, At: due}, true
}

// newRequest is the request at hand, if it is about the key that is current
// and not on record yet.
func (pl planner) newRequest() (keyset.Request, bool) {
	r := pl.f.Request.Rotate
	if r == nil || pl.set.Removing != nil ||
		// guard 5: a request is about the key that was current
		r.From != pl.set.Signing().Kid {
		return keyset.Request{}, false
	}
	// guard 5: a request on record is not served again
	if _, known := pl.set.Recorded(r.ID); known {
		return keyset.Request{}, false
	}
	return *r, true
}

// wait: the earliest time at which one of the rules can change its mind.
//
// A time that has passed does not count: then something else is in the way, and
// nobody can tell until when.
func (pl planner) wait() Step {
	step := Step{Do: Wait, Why: Reason{Code: NothingDue}}
	add := func(t time.Time, why Code, kid string) {
		if t.After(pl.early) && (step.At.IsZero() || t.Before(step.At)) {
			step.At, step.Why = t, Reason{Code: why, Kid: kid}
		}
	}
	add(pl.othersReady(), OwnMarkThen, "")
	add(pl.othersSettled(), OwnMarkThen, "")
	for _, k := range pl.set.Previous() {
		add(pl.Removed(k), RemovedThen, k.Kid)
	}
	add(pl.Ends(), EndsThen, pl.set.Signing().Kid)
	add(pl.resumes(), PauseEnds, "")
	if next, ok := pl.set.Next(); !ok {
		add(pl.Publishes(), PublishedThen, "")
	} else if pl.seen(pl.set.Ready, next.Kid, carriesNext) {
		_, asked := pl.newRequest()
		add(pl.Signs(pl.early, asked), SignsThen, next.Kid)
	}
	if !step.At.IsZero() {
		// The host's clock will show that time later where the store's is behind.
		step.At = step.At.Add(pl.f.Clock.Wall.Sub(pl.early))
	}
	return step
}

// alarms is what keeps work from going on and needs a person. Alarms are about
// the key: a step that can be taken ends none of them.
func (pl planner) alarms() (all []Reason) {
	// The longer wait is the one that is doubted for longer.
	if doubt := pl.doubt(max(pl.p.Grace, pl.p.Propagation)); !doubt.IsZero() {
		all = append(all, doubt)
	}
	if !pl.othersReady().IsZero() || !pl.othersSettled().IsZero() {
		all = append(all, Reason{Code: OtherOutputs, Output: pl.lacking()})
	}
	for _, o := range pl.f.Outputs {
		if !o.Behind.IsZero() {
			behind := o.Behind
			behind.Output = o.Name
			all = append(all, behind)
		}
	}
	if _, wanted := pl.wanted(pl.p.Lead()); wanted && pl.Full() {
		all = append(all, Reason{Code: NoRoom, Have: uint64(len(pl.set.Keys))})
	}
	return all
}

func anyOutput(Output) bool     { return true }
func carriesNext(o Output) bool { return o.CarriesNext }

// behind tells whether one of the chosen outputs is not up to date.
func (pl planner) behind(which func(Output) bool) bool {
	return slices.ContainsFunc(pl.f.Outputs, func(o Output) bool { return which(o) && !o.Behind.IsZero() })
}

// seen tells whether a mark speaks of this key, of the store and of the chosen
// outputs as they are now.
func (pl planner) seen(m *keyset.Mark, kid string, which func(Output) bool) bool {
	return m != nil && m.Kid == kid &&
		// guard 2: an older document that was covered begins the wait anew
		!pl.f.Covered &&
		// guard 2: promotion wants a mark of the outputs as they are
		m.Places == pl.f.places(which).Digest()
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
