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

// Accepting says what is accepted, and at what price; dry tells that nothing comes
// of it.
func Accepting(now time.Time, b *ops.Backup, dry bool) Answer {
	return accepting(now, b, dry).with(acceptForm(now, b, "dry_run"))
}

// acceptForm is an acceptance for programs.
func acceptForm(now time.Time, b *ops.Backup, outcome string) *form.Accepted {
	set := b.Found.Set
	f := &form.Accepted{Key: keyForm(now, b.Key, set), Outcome: outcome, Accepts: set.Generation}
	if len(b.Found.Witnesses) == 0 {
		f.Outcome = "nothing"
		return f
	}
	f.Unknown = b.Unknown()
	for _, w := range b.Found.Witnesses {
		f.Witnesses = append(f.Witnesses, form.Witness{Who: say.Witness(rotation.Reason{Whose: w.Whose, Output: w.Output}), Generation: w.Generation})
	}
	for _, k := range set.Keys {
		f.Fates = append(f.Fates, form.Fate{Kid: k.Kid, Status: string(k.Status), Fate: fate(b, k)})
	}
	f.Lost = kidsOf(lost(b))
	return f
}

// lost is the keys that an output still shows, and that do not come back.
func lost(b *ops.Backup) (keys []keyset.Key) {
	if b.Found.Newer == nil {
		return nil
	}
	for _, k := range b.Found.Newer.Keys {
		if _, kept := b.Found.Set.Key(k.Kid); !kept {
			keys = append(keys, k)
		}
	}
	return keys
}

func accepting(now time.Time, b *ops.Backup, dry bool) Answer {
	set := b.Found.Set
	if len(b.Found.Witnesses) == 0 {
		t := &sheet{head: fmt.Sprintf("%s: nothing to accept: no witness contradicts generation %d", b.Key.Name, set.Generation), now: now}
		t.row("if", "a daemon says otherwise, it remembers more than the store and the outputs do: make sure that this is the document you want, and restart it")
		return t.answer("")
	}
	t := &sheet{head: b.Key.Name + ": " + about(dry), now: now}
	t.row("accepts", fmt.Sprintf("generation %d, of %s", set.Generation, say.When(now, set.NewestTime())))
	for _, w := range b.Found.Witnesses {
		t.row("over", fmt.Sprintf("generation %d, which %s remembers", w.Generation, say.Witness(rotation.Reason{Whose: w.Whose, Output: w.Output})))
	}
	for _, k := range set.Keys {
		t.row(string(k.Status), fmt.Sprintf("kid %s (%s), made at %s; %s", say.Kid(k.Kid), k.Alg, say.When(now, k.Issued), fate(b, k)))
	}
	switch {
	case b.Found.Notes():
		t.row("lost", "only a note of what was seen everywhere: rotate makes it again, and waits again from then on.\nAt one generation the keys are the same, so nobody is logged out")
		return t.answer("")
	case b.Unknown():
		t.row("unknown", "which keys were deleted, or reported as compromised, since then: no output shows it.\nThe audit log does: name what must not come back with --revoke KID, or say --none-revoked.\nWhoever has a token of a key that was made since then is logged out")
		return t.answer("")
	}
	for _, k := range lost(b) {
		t.row("lost", fmt.Sprintf("kid %s (%s), which output %s still shows: whoever has a token of it is logged out", say.Kid(k.Kid), k.Status, b.Found.In))
	}
	return t.answer("")
}

// fate is what becomes of a key of the restored document.
func fate(b *ops.Backup, k keyset.Key) string {
	switch becomes, now := b.Fate(k); becomes {
	case ops.RevokedByOutput:
		return "revoked, as an output knows: it does not come back"
	case ops.RevokedByPerson:
		return "revoked, as you say: it does not come back"
	case ops.RevokedByFile:
		return "revoked, as the audit file says: it does not come back"
	case ops.LiveAgain:
		return "is live again"
	case ops.ComesBack:
		return "deleted since: it comes back to life"
	case ops.Changed:
		return fmt.Sprintf("%s by now: it is %s again", now, k.Status)
	}
	return "as before"
}

// Accepted says what came of it.
func Accepted(now time.Time, a *ops.Acceptance) Answer {
	head, outcome := fmt.Sprintf("generation %d is accepted", a.Generation), "accepted"
	if !a.Mine {
		head, outcome = "another process accepted it first; nothing to do", "accepted_by_another"
	}
	f := acceptForm(now, a.Backup, outcome)
	if a.Wish == nil {
		return Line(a.Key.Name + ": " + head + "; but the work after it failed").with(f)
	}
	f.Key = keyForm(now, a.Key, a.Wish.Last.Set)
	w := wish{a.Wish, now}
	t := w.sheet(fmt.Sprintf("%s; the key goes on at generation %d", head, w.Last.Set.Generation))
	w.keysNow(t)
	t.row("lives in", w.Key.Place())
	t.row("daemons", "that have seen the newer document take this one for its successor: they need no restart")
	return t.answer(w.alarms()).with(f)
}
