package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Revoking says what users and applications will notice of a report; dry tells that
// nothing comes of it.
func Revoking(now time.Time, r *ops.Report, dry bool) Answer {
	f := &form.Revoked{Key: keyForm(now, r.Key, r.Before), Outcome: "dry_run", Kids: revokedKids(now, r)}
	return revoking(now, r, dry).with(f)
}

// revokedKids is the reported keys for programs.
func revokedKids(now time.Time, r *ops.Report) (kids []form.RevokedKid) {
	for _, kid := range r.Kids {
		f := form.RevokedKid{Kid: kid}
		if i := slices.IndexFunc(r.Before.Keys, func(k keyset.Key) bool { return k.Kid == kid }); i >= 0 {
			h := r.Harm(i, now)
			f.Status, f.Users = string(r.Before.Keys[i].Status), Harm(now, h)
			if !h.None {
				f.From, f.To = some(h.From), some(h.To)
			}
		}
		kids = append(kids, f)
	}
	return kids
}

func revoking(now time.Time, r *ops.Report, dry bool) Answer {
	t := &sheet{head: r.Key.Name + ": " + about(dry), now: now}
	p := r.Key.Policy
	var stay, named []string // kids that are left, and those to name if they leaked as well
	for i, k := range r.Before.Keys {
		if slices.Contains(r.Kids, k.Kid) {
			t.row("revokes", fmt.Sprintf("kid %s (%s, %s)", say.Kid(k.Kid), k.Alg, k.Status))
			t.row("users", Harm(now, r.Harm(i, now)))
			named = append(named, k.Kid)
		} else if k.Status != keyset.Current {
			stay = append(stay, k.Kid)
		}
	}
	if r.Done() {
		t.row("revokes", "nothing more: "+say.Kids(r.Kids)+" is revoked already. What is left of it is erased")
	} else if r.Before.Removing != nil {
		t.row("signs", "none: the key is being removed, and no other takes its place. If no key is left, everything is erased at once")
	} else if slices.Contains(r.Kids, r.Before.Signing().Kid) {
		t.row("signs", "a fresh key, from the moment that each issuer reads it")
		if p.Propagation > 0 {
			t.row("until", fmt.Sprintf("everyone has read it, which takes up to %s (propagation).\nWho has not read it refuses tokens of the fresh key, and signs and accepts tokens of the old one.\nRestart applications, or have them read again, to make that shorter", rotation.Duration(p.Propagation)))
		}
	}
	if len(stay) > 0 && !r.Done() {
		t.row("stay", "the other keys of the same document. Did they leak with it? Then name all of them:\nrotate now --compromised "+r.Key.Name+" --kid "+strings.Join(append(named, stay...), " --kid "))
	}
	t.row("lives in", places(r))
	return t.answer("")
}

// kidList is the kids of keys, for a command line.
func kidList(keys []keyset.Key) string {
	var kids []string
	for _, k := range keys {
		kids = append(kids, k.Kid)
	}
	return strings.Join(kids, " ")
}

// about is what a notice is about.
func about(dry bool) string {
	if dry {
		return "dry run, nothing was changed"
	}
	return "this is about to happen"
}

// Harm says who is logged out by the loss of a key, and how many at most.
func Harm(now time.Time, h ops.Harm) string {
	source := "token_ttl"
	if h.Guessed {
		source = "the longest that this grace allows; token_ttl is not set"
	}
	switch {
	case h.Unsigned:
		return "nobody notices: no token was signed with it yet"
	case h.None:
		return fmt.Sprintf("nobody should notice: the last token of it was issued by %s, and none may live longer than %s (%s)", say.When(now, h.To), rotation.Duration(h.Life), source)
	}
	until, bound := "now", ""
	if !h.To.IsZero() {
		until = say.When(now, h.To)
	}
	if h.Life > 0 {
		bound = fmt.Sprintf("; older ones have expired if none lives longer than %s (%s)", rotation.Duration(h.Life), source)
	}
	return fmt.Sprintf("everyone with a token of it is logged out: at most those issued from %s to %s%s", say.When(now, h.From), until, bound)
}

// places is everywhere that the key is taken from.
func places(r *ops.Report) string {
	all := []string{r.Key.Place()}
	for _, o := range r.Key.Outputs {
		all = append(all, fmt.Sprintf("output %s, secret %s", o.Name, o.Secret))
	}
	return strings.Join(all, "\n")
}

// Revoked says what came of a report.
func Revoked(now time.Time, r *ops.Revocation) Answer {
	if s := r.Found.Set; (s.Removing != nil || s.Removed != nil) && !r.Repeat {
		return revokedInRemoval(now, r)
	}
	w, kids := wish{r.Wish, now}, say.Kids(r.Kids)
	at := "earlier"
	if since := r.Since(); !since.IsZero() {
		at = "at " + w.when(since)
	}
	head, warning := kids+" revoked", ""
	switch signs := r.Found.Set.Signing().Kid; {
	case r.Repeat:
		head = fmt.Sprintf("nothing was replaced: %s was revoked %s, and kid %s took its place", kids, at, say.Kid(signs))
		warning = fmt.Sprintf("this was taken for a repeat of that report. If the key that signs now has leaked as well: rotate revoke %s %s", r.Key.Name, signs)
	case !w.Took(rotation.Revoke):
		head += " already, " + at + "; nothing was replaced again"
	}
	t := w.sheet(head)
	w.keysNow(t)
	if live := r.Found.Set.Keys[1:]; len(live) > 0 {
		t.row("stay", "the other live keys. Did they leak as well? Then: rotate revoke "+r.Key.Name+" "+kidList(live))
	}
	for _, how := range remains(now, r) {
		t.row("left", how)
	}
	t.row("lives in", places(r.Report))
	ans := t.answer(also(w.alarms(), weak(now, r))).with(revokedForm(now, r))
	ans.Warning = warning
	return ans
}

// revokedForm is a revocation for programs.
func revokedForm(now time.Time, r *ops.Revocation) *form.Revoked {
	f := &form.Revoked{Key: keyForm(now, r.Key, r.Found.Set), Outcome: "revoked", Kids: revokedKids(now, r.Report), Since: some(r.Since())}
	switch {
	case r.Repeat:
		f.Outcome = "repeat"
	case !r.Wish.Took(rotation.Revoke) && !r.Wish.Took(rotation.Bury):
		f.Outcome = "revoked_before"
	}
	f.AttentionCodes = say.Codes(r.Wish.Last.Step.Alarms)
	for _, p := range r.Found.Pasts {
		t := r.In(now, p)
		f.Places = append(f.Places, form.Place{Output: p.Name, Secret: p.Secret, How: t.How, Until: some(t.Until), Remains: p.Traits.Remains})
	}
	for _, l := range r.Found.Left {
		f.Left = append(f.Left, form.Left{Output: l.Output, Secret: l.Secret, Why: say.Clean(say.Left(l))})
	}
	return f
}

// placeName is a place in a sentence; "" for the key's own.
func placeName(r *ops.Revocation, name string) string {
	if name == "" {
		return "store " + r.Key.StoreName
	}
	return "output " + name
}

// remains says, for each place, how gone the reported keys are, and names the
// revisions that this report has erased there, if they can be had back.
func remains(now time.Time, r *ops.Revocation) (rows []string) {
	for _, p := range r.Found.Pasts {
		trace, name := r.In(now, p), placeName(r, p.Name)
		text := fmt.Sprintf("%s: %s. %s", name, say.Erased(now, trace, nil), p.Traits.Remains)
		if ids := r.ErasedIn(p.Secret); len(ids) > 0 && rotation.Reversible(trace.How) {
			text += "\nThese are they: " + strings.Join(ids, ", ")
		}
		rows = append(rows, text)
	}
	return rows
}

// weak is the alarm for places that cannot erase, and for those of which nobody
// can tell.
func weak(now time.Time, r *ops.Revocation) (alarm string) {
	var names, unknown []string
	for _, p := range r.Found.Pasts {
		switch t := r.In(now, p); {
		case rotation.Reversible(t.How):
			names = append(names, fmt.Sprintf("%s (%s)", placeName(r, p.Name), say.Erased(now, t, nil)))
		case t.How == rotation.CannotTell:
			unknown = append(unknown, placeName(r, p.Name))
		}
	}
	if t := r.Trace(now); t.How == rotation.CannotTell {
		for _, name := range t.Places {
			if name = placeName(r, name); !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		}
	}
	if len(names) > 0 {
		alarm = "the revoked key is refused by everyone who reads the new document, but this place cannot erase it for good: " + strings.Join(names, ", ") + ". What is left there is said above"
	}
	if len(unknown) > 0 {
		alarm = also(alarm, fmt.Sprintf("nobody can tell whether the revoked key is gone from %s. If no output of the config is there any more: rotate forget %s PLACE", strings.Join(unknown, ", "), r.Key.Name))
	}
	return alarm
}
