package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
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
func (l *leak) tell(r engine.Result, found engine.Remains) answer {
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
	for _, how := range l.remains(r.Did, found) {
		t.row("left", how)
	}
	t.row("lives in", l.places())
	return t.answer(also(alarm, l.weak(found)))
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

// trace is how gone the reported keys are in some places: the weakest of them.
func (l *leak) trace(set *keyset.Set, places ...rotation.Place) (weakest rotation.Trace) {
	for i, kid := range l.kids {
		gone := keyset.Gone{Kid: kid} // removed longer ago than the document tells
		if at := slices.IndexFunc(set.Gone, func(g keyset.Gone) bool { return g.Kid == kid }); at >= 0 {
			gone = set.Gone[at]
		}
		if t := rotation.TraceOf(l.now(), set, gone, places); i == 0 || rotation.Weaker(t.How, weakest.How) {
			weakest = t
		}
	}
	return weakest
}

// in is how gone the reported keys are in one place, whatever others show or the
// document notes.
func (l *leak) in(set *keyset.Set, p engine.Past) rotation.Trace {
	alone := *set
	alone.Outputs, alone.Gone = nil, slices.Clone(set.Gone)
	for i := range alone.Gone {
		alone.Gone[i].How = ""
	}
	return l.trace(&alone, p.Place)
}

// placeName is a place in a sentence.
func (l *leak) placeName(name string) string {
	if name == "" {
		return "store " + l.key.StoreName
	}
	return "output " + name
}

// remains says, for each place, how gone the reported keys are, and names the
// revisions that this command has erased there, if they can be had back.
func (l *leak) remains(did []engine.Event, found engine.Remains) (rows []string) {
	for _, p := range found.Pasts {
		t := l.in(found.Set, p)
		text := fmt.Sprintf("%s: what is gone is %s. %s", l.placeName(p.Name), say.Erased(l.now(), t, nil), p.Traits.Remains)
		if t.How == rotation.NotYet || t.How == rotation.CannotTell {
			text = fmt.Sprintf("%s: %s. %s", l.placeName(p.Name), say.Erased(l.now(), t, nil), p.Traits.Remains)
		}
		var ids []string
		for _, ev := range did {
			if ev.Action == "erase" && ev.Secret == p.Secret && !slices.Contains(ids, ev.Revision) {
				ids = append(ids, ev.Revision)
			}
		}
		if len(ids) > 0 && rotation.Reversible(t.How) {
			text += "\nThese are they: " + strings.Join(ids, ", ")
		}
		rows = append(rows, text)
	}
	return rows
}

// weak is the alarm for places that cannot erase, and for those of which nobody
// can tell.
func (l *leak) weak(found engine.Remains) string {
	var names, unknown []string
	for _, p := range found.Pasts {
		switch t := l.in(found.Set, p); {
		case rotation.Reversible(t.How):
			names = append(names, fmt.Sprintf("%s (%s)", l.placeName(p.Name), say.Erased(l.now(), t, nil)))
		case t.How == rotation.CannotTell:
			unknown = append(unknown, l.placeName(p.Name))
		}
	}
	if t := l.trace(found.Set, engine.Places(found.Pasts)...); t.How == rotation.CannotTell {
		for _, name := range t.Places {
			if name = l.placeName(name); !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		}
	}
	alarm := ""
	if len(names) > 0 {
		alarm = "the revoked key is refused by everyone who reads the new document, but this place cannot erase it for good: " + strings.Join(names, ", ") + ". What is left there is said above"
	}
	if len(unknown) > 0 {
		alarm = also(alarm, fmt.Sprintf("nobody can tell whether the revoked key is gone from %s. If no output of the config is there any more: rotate forget %s PLACE", strings.Join(unknown, ", "), l.key.Name))
	}
	return alarm
}
