package answer

import (
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// Adopted says what came of the adoption of a value. from is where it lies on; the
// zero Source if it lies nowhere.
func Adopted(now time.Time, a *ops.Adopted, from ops.Source) Answer {
	k, set := a.Key, a.Result.Set
	t := &sheet{now: now, head: k.Name + ": adopted; it goes on signing, and nothing changes for its readers"}
	switch {
	case a.Dry && set != nil:
		t.head = k.Name + ": dry run, nothing was changed; it was adopted before, and nothing would be"
	case a.Dry:
		t.head = k.Name + ": dry run, nothing was changed; it would be adopted and go on signing"
	case len(a.Result.Did) == 0:
		t.head = k.Name + ": was adopted before; nothing to do"
	}
	signs, since := a.Taken.Key, now
	if set != nil {
		signs, since = set.Signing(), set.Signing().NotBefore
	}
	text := fmt.Sprintf("kid %s (%s)", say.Kid(signs.Kid), signs.Alg)
	switch {
	case set == nil && a.Asked == "" && signs.Alg.Symmetric():
		text = fmt.Sprintf("a kid that is made then (%s)", signs.Alg)
	case a.Asked != "" && a.Asked != signs.Kid:
		text += "; its kid stays as it is, whatever --kid says: tokens carry it"
	}
	t.row("signs", text)
	t.row("lives in", k.Place())
	t.row("replaced", replaced(now, a, since))
	t.row("who", doers)
	switch {
	case from.IsOutput:
		t.row("left", from.Where+" is an output of this key: applications go on reading it there, and rotate keeps it up to date")
	case from.Where != "":
		t.row("left", from.Where+" is as it was: remove the value there once every application reads this key from its store")
	}
	return t.answer("")
}

// replaced is when another key takes the place of an adopted one.
func replaced(now time.Time, a *ops.Adopted, since time.Time) string {
	p := a.Key.Policy
	grace := rotation.Duration(p.Grace)
	if len(a.Taken.Weak) == 0 {
		if due := p.Due(since); !due.IsZero() {
			return fmt.Sprintf("at %s; then it verifies for %s more", say.When(now, due), grace)
		}
		return "never: the schedule does not fire"
	}
	if set := a.Result.Set; set != nil {
		if next, ok := set.Next(); ok {
			return fmt.Sprintf("by kid %s, which is next already; this one verifies for %s after it signs", say.Kid(next.Kid), grace)
		}
	}
	return "at once: the next pass publishes a next key, and this one verifies for " + grace.String() + " after it signs"
}

// AdoptedWarnings is what a person should know of an adopted key.
func AdoptedWarnings(a *ops.Adopted) (all []string) {
	if made := a.Successor(); made != "" {
		all = append(all, fmt.Sprintf("the adopted key is for %s, but the config makes %s keys: its successor will be one, so set algorithm: %s, or have applications verify both", a.Taken.Key.Alg, made, a.Taken.Key.Alg))
	}
	for _, why := range a.Taken.Weak {
		all = append(all, "the adopted key is weak: "+why)
	}
	return all
}
