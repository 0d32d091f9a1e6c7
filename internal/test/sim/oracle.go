package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Verdict is a broken promise.
type Verdict struct {
	Promise int
	Words   string
	At      time.Duration // since the start of the world
}

func (v *Verdict) String() string {
	return fmt.Sprintf("promise %d: %s (on day %.1f)", v.Promise, v.Words, v.At.Hours()/24)
}

// An oracle knows the truth about a world, and what was promised.
type oracle struct {
	w       *world
	verdict *Verdict
	telling bool
	story   []string
	calm    bool // the trouble is over
	overdue bool // what happens now was sent by a pass that is over

	broken map[int]int   // by promise, in worlds beyond the bounds
	worst  time.Duration // for which tokens were refused there

	good     *keyset.Set          // the newest document that rotate wrote
	exempt   map[string]bool      // kids that sign without having been next
	promoted map[string]time.Time // when a kid began to be current
	expires  map[string]time.Time // as first noted
	revoked  map[string]bool      // kids that someone reported
	given    map[string]bool      // kids that were given up with what a backup did not have
	asked    map[string]bool      // ids of requests that someone made
	served   map[string]string    // request id → the kid that it was about
	requests int

	Rotations, Incidents, Calls int
	refused                     struct{ raw, late, replaced int }
	table                       Coverage
	transitions                 int
}

func newOracle(w *world, tell bool) *oracle {
	return &oracle{
		w: w, telling: tell, exempt: map[string]bool{}, promoted: map[string]time.Time{}, expires: map[string]time.Time{},
		revoked: map[string]bool{}, given: map[string]bool{}, asked: map[string]bool{}, served: map[string]string{}, table: Coverage{}, broken: map[int]int{},
	}
}

// fail records the first broken promise, which ends the world.
func (o *oracle) fail(promise int, format string, args ...any) {
	if o.w.clockWrong() && promise != 6 {
		promise, format = 8, "with a clock that jumped, "+format
	}
	if o.w.script.Beyond {
		o.broken[promise]++
		return
	}
	if o.verdict == nil {
		o.verdict = &Verdict{Promise: promise, Words: fmt.Sprintf(format, args...), At: o.w.now.Sub(start)}
		o.tell("%s", o.verdict)
	}
}

func (o *oracle) tell(format string, args ...any) {
	if o.telling {
		o.story = append(o.story, fmt.Sprintf("day %6.2f  ", o.w.now.Sub(start).Hours()/24)+fmt.Sprintf(format, args...))
	}
}

// heard is the audit log.
func (o *oracle) heard(p *process, life int, ev engine.Event) {
	if p.life != life {
		return // what it did after its end did not happen
	}
	if ev.Action == "erase" {
		o.tell("%s: erase revision %s of generation %d", p.name, ev.Revision, ev.Generation)
		return
	}
	o.tell("%s: %s %s %s→%s g%d %s", p.name, ev.Action, ev.Kid, ev.From, ev.To, ev.Generation, ev.Reason)
}

// changed is called when a head was moved: by p, or from outside.
func (o *oracle) changed(pl *place, p *process, old *view) {
	if p == nil {
		return
	}
	pl.writes++
	switch {
	case pl.index > 0:
		o.judgeOutput(pl, p, old)
	case p.accepts && pl.view != nil && pl.view.set.Parent == string(old.id):
		o.judgeAccepted(p, pl.view.set)
	case pl.disturbed != nil:
		o.fail(6, "%s wrote into the store, although someone had changed it (%s)", p.name, pl.disturbed.Kind)
	case pl.view == nil:
		o.fail(10, "%s wrote a document that cannot be read", p.name)
	case old != nil && pl.view.set.Parent != string(old.id):
		o.fail(5, "%s wrote over a document that it had not read", p.name)
	default:
		o.judgeDocument(p, pl.view.set)
		o.w.during()
	}
}

// judgePass asks whether a pass that saw something wrong said so.
func (o *oracle) judgePass(p *process) {
	if p.err != nil {
		var e *engine.Error
		if !errors.As(p.err, &e) && !p.asks {
			o.fail(6, "%s returned an error that explains nothing: %v", p.name, p.err)
		}
		return
	}
	for _, pl := range o.w.outputs {
		pl.maybeSettled(false)
	}
	step := p.result.Step
	// Where reads may be stale, a process that is paused with one in hand halts
	// for a moment; that is an alarm too many, and nothing else.
	if step.Do == rotation.Halt && o.w.store.disturbed == nil && o.w.store.repaired.Before(p.began) && o.w.script.Stale == 0 {
		o.fail(10, "%s halts for no reason: %+v", p.name, step.Why)
	}
	alarm := ""
	for _, a := range step.Alarms {
		alarm += string(a.Code) + " " + a.Output + " "
	}
	if alarm != p.alarm && step.Do == rotation.Wait {
		o.tell("%s: alarm: %s", p.name, alarm)
	}
	p.alarm = alarm
	store := o.w.store
	if store.disturbed != nil && store.disturbAt.Before(p.began) && step.Do != rotation.Halt && o.w.script.Stale == 0 {
		o.fail(6, "%s said nothing about the store, which someone had changed (%s): %s, %+v", p.name, store.disturbed.Kind, step.Do, step.Why)
	}
	for i, pl := range o.w.outputs {
		if pl.disturbed != nil && pl.disturbed.Kind == Foreign && pl.disturbAt.Before(p.began) && p.using.outputs[i] &&
			step.Do == rotation.Wait && len(step.Alarms) == 0 && p.result.Set != nil {
			o.fail(6, "%s said nothing about %s, which holds another keyset", p.name, pl.name)
		}
	}
}
