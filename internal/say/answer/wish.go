package answer

import (
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// doers are who takes the steps that come next.
const doers = "`rotate run` (a daemon), or `rotate run --once` from a timer: nothing happens by itself"

// A wish is an ops.Wish at the time of the answer.
type wish struct {
	*ops.Wish
	now time.Time
}

// Rotated says what came of a wish to rotate; of a dry run what would come of it.
func Rotated(now time.Time, of *ops.Wish) Answer {
	w := wish{of, now}
	if w.Dry {
		return w.would()
	}
	t := w.sheet(w.headline())
	w.keysNow(t)
	t.row("lives in", w.Key.Place())
	if due := w.Outlook().Due(); !due.IsZero() && w.Over() {
		t.row("due", "the next rotation, at "+w.when(due)+jitter(w.Key.Policy))
	}
	t.row("who", doers)
	if w.Took(rotation.Create) {
		t.row("use", fmt.Sprintf("rotate get %s --format env; sign with current, verify with current, next and previous", w.Key.Name))
	}
	return w.finished(t)
}

// paused tells whether a pause holds the wish back.
func (w wish) paused() bool {
	return w.Last.Set != nil && !w.Last.Set.Paused.Over(w.now) && w.Last.Set.Signing().Kid == w.Ask.Away && !w.Over()
}

// pause is an alarm if a pause holds the wish back; "" if none does.
func (w wish) pause() string {
	if !w.paused() {
		return ""
	}
	p := w.Last.Set.Paused
	return "it is paused " + say.Pause(p.Until, p.By, p.Reason, w.when) + "\nhint: rotate resume " + w.Key.Name + " ends the pause"
}

// Waiting says what a wish waits for.
func Waiting(now time.Time, w *ops.Wish) string {
	return "waiting, " + say.Waiting(now, w.Last.Step)
}

// Alarms is what needs a person although a wish goes on; "" if nothing does.
func Alarms(w *ops.Wish) string { return wish{Wish: w}.alarms() }

func (w wish) alarms() string { return say.Alarms(w.Last.Step.Alarms, w.Key.Subject(), say.Plain) }

// finished is the answer: a second rotation within the grace is what was asked for,
// so that a key is hidden by it is a warning and no alarm.
func (w wish) finished(t *sheet) Answer {
	a := t.answer(also(w.alarms(), w.pause()))
	f := &form.Rotated{Key: keyForm(w.now, w.Key, w.Last.Set), Outcome: string(w.Turn())}
	if w.Ask.Away != keyset.FromNothing {
		f.Away = w.Ask.Away
	}
	if w.Last.Set != nil {
		hidden := w.Hidden(w.now)
		a.Warning, f.Hidden = say.Hidden(hidden, say.From(w.now)), kidsOf(hidden.Keys)
		if r, recorded := w.Recorded(); recorded {
			f.AskedBy = r.By
		}
	}
	if w.Dry {
		f.Would = string(w.Last.Step.Do)
	}
	f.AttentionCodes = say.Codes(w.Last.Step.Alarms)
	if w.paused() {
		f.AttentionCodes = append(f.AttentionCodes, rotation.Paused)
	}
	a.Form = f
	return a
}

func (w wish) when(t time.Time) string { return say.When(w.now, t) }

func (w wish) sheet(headline string) *sheet {
	return &sheet{head: w.Key.Name + ": " + headline, now: w.now}
}

// headline says what became of the wish.
func (w wish) headline() string {
	current, before := w.Last.Set.Signing(), "kid "+say.Kid(w.Ask.Away)
	r, recorded := w.Recorded()
	who := "another process"
	if recorded {
		who = r.By
	}
	if w.paused() {
		return fmt.Sprintf("the wish to rotate away from %s is on record; the key is paused, so it is served when the pause ends, at %s", before, w.when(w.Last.Set.Paused.Until))
	}
	switch w.Turn() {
	case ops.Created:
		return "created; there was no key before"
	case ops.CreatedByOther:
		return fmt.Sprintf("%s created it at %s, before this process could; one key is enough", who, w.when(current.NotBefore))
	case ops.Served:
		return fmt.Sprintf("nothing to do: request %q was served already; %s asked at %s", w.Ask.ID, who, w.when(r.At))
	case ops.Rotated:
		return "rotated away from " + before
	case ops.RotatedByOther:
		if recorded {
			return fmt.Sprintf("rotated away from %s at %s, as %s asked; one rotation is enough", before, w.when(current.NotBefore), who)
		}
		return fmt.Sprintf("another process rotated away from %s at %s; one rotation is enough", before, w.when(current.NotBefore))
	case ops.NoRoom:
		return fmt.Sprintf("the wish to rotate away from %s is on record, but no key can be published %s", before, w.room())
	case ops.UnderWayByOther:
		return fmt.Sprintf("a rotation away from %s is under way already; %s asked at %s", before, who, w.when(r.At))
	}
	return "a rotation away from " + before + " is under way"
}

// room is until when a full keyset keeps a rotation from beginning.
func (w wish) room() string {
	until := "until the grace of one has begun and ended"
	if at := w.Outlook().Room(); !at.IsZero() {
		until = "until one leaves its grace, at " + w.when(at)
	}
	return fmt.Sprintf("%s: %d keys are live, and more may not be", until, len(w.Last.Set.Keys))
}

// keysNow lists the live keys and what each does.
func (w wish) keysNow(t *sheet) {
	set, p := w.Last.Set, w.Key.Policy
	current := set.Signing()
	t.row("signs", fmt.Sprintf("kid %s (%s), since %s", say.Kid(current.Kid), current.Alg, w.when(current.NotBefore)))
	if next, ok := set.Next(); ok {
		text := fmt.Sprintf("kid %s (%s), does not sign yet; not seen in every place yet", say.Kid(next.Kid), next.Alg)
		if at := w.Outlook().Signs(w.now, false); !at.IsZero() {
			text = fmt.Sprintf("kid %s (%s), begins to sign at %s", say.Kid(next.Kid), next.Alg, w.when(at))
		}
		t.row("next", text)
	}
	w.window(t)
	w.algorithms(t)
	for i, k := range set.Previous() {
		text := fmt.Sprintf("kid %s, for %s from when the new key was seen in every place", say.Kid(k.Kid), rotation.Duration(p.Grace))
		if !k.Expires.IsZero() {
			text = fmt.Sprintf("kid %s, until %s; %s", say.Kid(k.Kid), w.when(k.Expires), say.Removal(p.Skew()))
		}
		if i > 0 {
			text += "; only readers of the whole keyset or of list know it"
		}
		t.row("verifies", text)
	}
}

// window says that a rotation that was asked for does not wait for the window.
func (w wish) window(t *sheet) {
	at := w.Outlook().Promotes(w.now, w.Last.Set.Signing().Kid == w.Ask.Away)
	if !at.IsZero() && !w.Key.Policy.Window.Open(at) {
		t.row("window", "it is closed then; a rotation that was asked for does not wait for it")
	}
}

// algorithms says that the youngest key is for another algorithm than the one
// before it, which verifiers have to be ready for.
func (w wish) algorithms(t *sheet) {
	set := w.Last.Set
	old := set.Signing()
	young, ok := set.Next()
	if previous := set.Previous(); !ok && len(previous) > 0 {
		young, old, ok = old, previous[0], true
	}
	if ok && young.Alg != old.Alg {
		t.row("changes", fmt.Sprintf("from %s to %s with kid %s: verifiers must know both algorithms", old.Alg, young.Alg, say.Kid(young.Kid)))
	}
}

// would says what a pass would do first, and what that would lead to.
func (w wish) would() Answer {
	t := w.sheet("dry run, nothing was changed")
	t.row("would", w.wouldDo(w.Last.Step))
	if set := w.Last.Set; set != nil {
		if made := w.Key.Spec.Algorithm; w.Last.Step.Do == rotation.Publish && made != set.Signing().Alg {
			t.row("changes", fmt.Sprintf("from %s to %s: verifiers must know both algorithms first", set.Signing().Alg, made))
		}
		w.keysNow(t)
	}
	t.row("lives in", w.Key.Place())
	return w.finished(t)
}

// wouldDo words the first step of a pass.
func (w wish) wouldDo(step rotation.Step) string {
	p := w.Key.Policy
	wait := fmt.Sprintf("%s later it signs, and kid %s verifies for %s more", rotation.Duration(p.Propagation+p.Skew()), say.Kid(w.Ask.Away), rotation.Duration(p.Grace))
	if p.Propagation == 0 {
		wait = fmt.Sprintf("it signs at once, as everything reads at use (propagation 0s), and kid %s verifies for %s more", say.Kid(w.Ask.Away), rotation.Duration(p.Grace))
	}
	switch step.Do {
	case rotation.Create:
		return "make the first key, which signs at once"
	case rotation.Publish:
		return "publish a next key; " + wait
	case rotation.Rename:
		return "give the keyset the key's new name, and then rotate: " + say.Step(step, w.Key.Subject())
	case rotation.Record:
		if w.paused() {
			return "put the wish on record; the key is paused, so it is served when the pause ends"
		}
		if w.Outlook().Full() {
			return "put the wish on record; no key can be published " + w.room()
		}
		return "put the wish on record; the key that is next signs as soon as its readers have had time to learn it"
	case rotation.Wait:
		if _, recorded := w.Recorded(); recorded {
			return "do nothing more: this wish is on record already"
		}
		return "do nothing: " + say.Step(step, w.Key.Subject())
	}
	return fmt.Sprintf("go on with the rotation that is under way (%s): %s", step.Do, say.Step(step, w.Key.Subject()))
}
