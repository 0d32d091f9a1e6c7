package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// notice is what users and applications will notice.
func (l *leak) notice(head string) answer {
	t := &sheet{head: l.key.Name + ": " + head, now: l.now()}
	p := l.key.Policy
	var stay []string
	for i, k := range l.before.Keys {
		if slices.Contains(l.kids, k.Kid) {
			t.row("revokes", fmt.Sprintf("kid %s (%s, %s)", say.Kid(k.Kid), k.Alg, k.Status))
			t.row("users", l.harm(i, k, t.now))
		} else if k.Status != keyset.Current {
			stay = append(stay, "--kid "+say.Kid(k.Kid))
		}
	}
	if l.repeated() {
		t.row("revokes", "nothing more: "+l.named()+" is revoked already. What is left of it is erased")
	} else if slices.Contains(l.kids, l.before.Signing().Kid) {
		t.row("signs", "a fresh key, from the moment that each issuer reads it")
		if p.Propagation > 0 {
			t.row("until", fmt.Sprintf("everyone has read it, for up to %s (propagation), tokens of the fresh key are refused by verifiers that have not, and tokens of the old one go on being made and accepted: restart applications, or have them read again, to make that shorter", rotation.Duration(p.Propagation)))
		}
	}
	if len(stay) > 0 && !l.repeated() {
		t.row("stay", "the other keys of the same document. Did they leak with it? Then add "+strings.Join(stay, " "))
	}
	t.row("lives in", l.places())
	return t.answer("")
}

// harm says who is logged out by the loss of a key, and how many at most: rotate
// counts no tokens, so the bound is the time in which they were issued.
func (l *leak) harm(i int, k keyset.Key, now time.Time) string {
	if k.Status == keyset.Next {
		return "nobody notices: no token was signed with it yet"
	}
	p := l.key.Policy
	ttl, source := p.TokenTTL, "token_ttl"
	if ttl == 0 {
		ttl, source = p.LongestToken(), "the longest that this grace allows; token_ttl is not set"
	}
	since := k.NotBefore
	if k.Adopted { // it signed before rotate knew it
		since = k.NotBefore.Add(-ttl)
	}
	if from := now.Add(-ttl); ttl > 0 && from.After(since) {
		since = from
	}
	until := "now"
	if k.Status == keyset.Previous {
		// Whoever is above it among those that have signed took its place.
		after := l.before.Keys[0]
		for _, above := range l.before.Keys[:i] {
			if above.Status != keyset.Next {
				after = above
			}
		}
		last := l.key.Outlook(l.before).LastToken(after)
		if !since.Before(last) {
			return fmt.Sprintf("nobody should notice: the last token of it was issued by %s, and none lives longer than %s (%s)", say.When(now, last), rotation.Duration(ttl), source)
		}
		if last.Before(now) {
			until = say.When(now, last)
		}
	}
	bound := ""
	if ttl > 0 {
		bound = fmt.Sprintf("; older ones have expired, as none lives longer than %s (%s)", rotation.Duration(ttl), source)
	}
	return fmt.Sprintf("everyone with a token of it is logged out: at most those issued from %s to %s%s", say.When(now, since), until, bound)
}

// places is everywhere that the key is taken from.
func (l *leak) places() string {
	all := []string{l.key.Place()}
	for _, o := range l.key.Outputs {
		all = append(all, fmt.Sprintf("output %s, secret %s", o.Name, o.Secret))
	}
	return strings.Join(all, "\n")
}

// tell says what came of it.
func (l *leak) tell(r engine.Result) answer {
	w := &wish{app: l.app, key: l.key, ask: engine.Ask{Away: l.before.Signing().Kid}, last: r, did: r.Did}
	head := l.named() + " revoked"
	alarm := w.alarms()
	switch {
	case l.taken:
		head = fmt.Sprintf("nothing was replaced: %s was revoked %s, and kid %s took its place", l.named(), l.when(r.Set), say.Kid(r.Set.Signing().Kid))
		alarm = also(alarm, fmt.Sprintf("this was taken for a repeat of that report. If the key that signs now has leaked as well: rotate revoke %s %s", l.key.Name, r.Set.Signing().Kid))
	case !w.took(rotation.Revoke):
		head += " already, " + l.when(r.Set) + "; nothing was replaced again"
	}
	t := w.sheet(head)
	w.keysNow(t)
	for _, how := range l.remains(r.Did) {
		t.row("left", how)
	}
	t.row("lives in", l.places())
	return t.answer(also(alarm, l.weak()))
}

// when is when the last of the kids was revoked, as far as that is on record.
func (l *leak) when(set *keyset.Set) string {
	for _, g := range set.Gone {
		if slices.Contains(l.kids, g.Kid) {
			return "at " + say.When(l.now(), g.At)
		}
	}
	return "earlier"
}

// A kept is what a place keeps of what it erases.
type kept struct {
	name, secret string
	traits       providers.Traits
}

func (l *leak) kept() []kept {
	all := []kept{{"store " + l.key.StoreName, l.key.Secret, l.key.Store.Traits()}}
	for _, o := range l.key.Outputs {
		all = append(all, kept{"output " + o.Name, o.Secret, o.Store.Traits()})
	}
	return all
}

// remains says, for each place, how gone what is gone is, and names the
// revisions that this command has erased there.
func (l *leak) remains(did []engine.Event) (rows []string) {
	for _, k := range l.kept() {
		text := fmt.Sprintf("%s: what is gone is %s. %s", k.name, k.traits.Erases, k.traits.Remains)
		var ids []string
		for _, ev := range did {
			if ev.Action == "erase" && ev.Secret == k.secret && !slices.Contains(ids, ev.Revision) {
				ids = append(ids, ev.Revision)
			}
		}
		if len(ids) > 0 && k.readable() {
			text += "\nThese are they: " + strings.Join(ids, ", ")
		}
		rows = append(rows, text)
	}
	return rows
}

// readable tells whether someone with the right to can still get it from the
// service itself.
func (k kept) readable() bool {
	return k.traits.Erases == providers.Disabled || k.traits.Erases == providers.Unlabelled
}

// weak is the alarm for places that cannot erase.
func (l *leak) weak() string {
	var names []string
	for _, k := range l.kept() {
		if k.readable() {
			names = append(names, fmt.Sprintf("%s (%s)", k.name, k.traits.Erases))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "the revoked key is refused by everyone who reads the new document, but this place cannot erase it for good: " + strings.Join(names, ", ") + ". What is left there is said above"
}
