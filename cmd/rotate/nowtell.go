package main

import (
	"context"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// tell says in plain words what happened, what is true now, and what comes next.
func (w *wish) tell() answer {
	t := w.sheet(w.headline())
	w.keysNow(t)
	t.row("lives in", w.key.Place())
	w.comesNext(t)
	return t.answer(also(w.alarms(), say.Hidden(w.outlook().WorstHidden(t.now, false), say.From(t.now))))
}

// alarms is what needs a person, in words; "" if nothing does.
func (w *wish) alarms() string { return say.Alarms(w.last.Step.Alarms, w.key.Subject(), say.Plain) }

func (w *wish) outlook() rotation.Outlook { return w.key.Outlook(w.last.Set) }

// also puts two alarms together, of which each may be "".
func also(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ". Also: " + b
}

func (w *wish) sheet(headline string) *sheet {
	return &sheet{head: w.key.Name + ": " + headline, now: w.now()}
}

// headline is the outcome. The request on record decides whose rotation it is:
// exactly one asker is named there, whoever made the other writes.
func (w *wish) headline() string {
	set := w.last.Set
	current := set.Signing()
	r, recorded := w.request()
	mine := recorded && r.By == w.ask.By
	before := "kid " + say.Kid(w.ask.Away)
	switch {
	case w.took(rotation.Create):
		return "created; there was no key before"
	case recorded && r.From != w.ask.Away:
		return fmt.Sprintf("nothing to do: request %q was served already; %s asked at %s", w.o.request, r.By, say.When(w.now(), r.At))
	case w.ask.Away == keyset.FromNothing:
		who := "another process"
		if recorded {
			who = r.By
		}
		return fmt.Sprintf("created by %s at %s, before this process could; one key is enough", who, say.When(w.now(), current.NotBefore))
	case current.Kid != w.ask.Away && (mine || !recorded && w.took(rotation.Promote)):
		return "rotated away from " + before
	case current.Kid != w.ask.Away && recorded:
		return fmt.Sprintf("rotated away from %s at %s, as %s asked; one rotation is enough", before, say.When(w.now(), current.NotBefore), r.By)
	case current.Kid != w.ask.Away:
		return fmt.Sprintf("rotated away from %s at %s by another process; one rotation is enough", before, say.When(w.now(), current.NotBefore))
	case w.outlook().Full():
		return fmt.Sprintf("the wish to rotate away from %s is on record, but nothing can be published %s", before, w.room())
	case recorded && !mine:
		return fmt.Sprintf("a rotation away from %s is under way already; %s asked at %s", before, r.By, say.When(w.now(), r.At))
	}
	return "a rotation away from " + before + " is under way"
}

// room is until when a full keyset keeps a rotation from beginning.
func (w *wish) room() string {
	until := "until the grace of one has begun and ended"
	if at := w.outlook().Room(); !at.IsZero() {
		until = "until one leaves its grace, at " + say.When(w.now(), at)
	}
	return fmt.Sprintf("%s: %d keys are live, and more may not be", until, len(w.last.Set.Keys))
}

// keysNow lists the live keys and what each does.
func (w *wish) keysNow(t *sheet) {
	set, p := w.last.Set, w.key.Policy
	current := set.Signing()
	t.row("signs", fmt.Sprintf("kid %s (%s), since %s", say.Kid(current.Kid), current.Alg, say.When(t.now, current.NotBefore)))
	if next, ok := set.Next(); ok {
		text := fmt.Sprintf("kid %s (%s), does not sign yet; not seen in every place yet", say.Kid(next.Kid), next.Alg)
		if at := w.outlook().Begins(false); !at.IsZero() {
			text = fmt.Sprintf("kid %s (%s), begins to sign at %s", say.Kid(next.Kid), next.Alg, say.When(t.now, at))
		}
		t.row("next", text)
	}
	w.algorithms(t)
	for i, k := range set.Previous() {
		text := fmt.Sprintf("kid %s, for %s from when the new key was seen in every place", say.Kid(k.Kid), rotation.Duration(p.Grace))
		if !k.Expires.IsZero() {
			text = fmt.Sprintf("kid %s, until %s; %s", say.Kid(k.Kid), say.When(t.now, k.Expires), say.Removal(p.Skew()))
		}
		if i > 0 {
			text += "; only readers of the whole keyset or of list know it"
		}
		t.row("verifies", text)
	}
}

// algorithms says that the youngest key is for another algorithm than the one
// before it, which verifiers have to be ready for.
func (w *wish) algorithms(t *sheet) {
	set := w.last.Set
	old := set.Signing()
	young, ok := set.Next()
	if previous := set.Previous(); !ok && len(previous) > 0 {
		young, old, ok = old, previous[0], true
	}
	if ok && young.Alg != old.Alg {
		t.row("changes", fmt.Sprintf("from %s to %s with kid %s: verifiers must know both algorithms", old.Alg, young.Alg, say.Kid(young.Kid)))
	}
}

// doers are who takes the steps that come next.
const doers = "`rotate run` (a daemon), or `rotate run --once` from a timer: nothing happens by itself"

// comesNext says what happens without anyone asking, and who does it.
func (w *wish) comesNext(t *sheet) {
	if due := w.outlook().Due(); !due.IsZero() && w.over() {
		t.row("due", fmt.Sprintf("the next rotation, at %s", say.When(t.now, due)))
	}
	t.row("who", doers)
	if w.took(rotation.Create) {
		t.row("use", fmt.Sprintf("rotate get %s --format env; sign with current, verify with current, next and previous", w.key.Name))
	}
}

// look says what a pass would do first, and what that would lead to.
func (w *wish) look(ctx context.Context) (answer, error) {
	r, err := w.host(quiet).Certain(ctx, w.key, w.ask)
	if err != nil {
		return answer{}, err
	}
	w.ask.Away, w.last = r.Away, r
	t := w.sheet("dry run, nothing was changed")
	t.row("would", w.would(r.Step))
	alarm := w.alarms()
	if r.Set != nil {
		if new := w.key.Spec.Algorithm; r.Step.Do == rotation.Publish && new != r.Set.Signing().Alg {
			t.row("changes", fmt.Sprintf("from %s to %s: verifiers must know both algorithms first", r.Set.Signing().Alg, new))
		}
		w.keysNow(t)
		alarm = also(alarm, w.wouldHide(t.now))
	}
	t.row("lives in", w.key.Place())
	return t.answer(alarm), nil
}

// wouldHide says which keys the rotation would leave out of the three values.
func (w *wish) wouldHide(now time.Time) string {
	look, set := w.outlook(), w.last.Set
	hidden := look.WorstHidden(now, false)
	if _, asked := set.Pending(); !asked && set.Signing().Kid == w.ask.Away && !w.over() {
		hidden = look.Hidden(now, look.Promotes(now, true))
	}
	return say.Hidden(hidden, say.From(now))
}

// would words the first step of a pass.
func (w *wish) would(step rotation.Step) string {
	p := w.key.Policy
	wait := fmt.Sprintf("%s later it signs, and kid %s verifies for %s more", rotation.Duration(p.Propagation+p.Skew()), say.Kid(w.ask.Away), rotation.Duration(p.Grace))
	if p.Propagation == 0 {
		wait = fmt.Sprintf("it signs at once, as everything reads at use (propagation 0s), and kid %s verifies for %s more", say.Kid(w.ask.Away), rotation.Duration(p.Grace))
	}
	switch step.Do {
	case rotation.Create:
		return "make the first key, which signs at once"
	case rotation.Publish:
		return "publish a next key; " + wait
	case rotation.Record:
		if w.outlook().Full() {
			return "put the wish on record; nothing can be published " + w.room()
		}
		return "put the wish on record; the key that is next signs as soon as its readers have had time to learn it"
	case rotation.Wait:
		if _, recorded := w.request(); recorded {
			return "do nothing more: this wish is on record already"
		}
		return "do nothing: " + say.Step(step, w.key.Subject())
	}
	return fmt.Sprintf("go on with the rotation that is under way (%s): %s", step.Do, say.Step(step, w.key.Subject()))
}
