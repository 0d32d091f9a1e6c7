package say

import (
	"fmt"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Happened words an event of the audit file.
func Happened(ev engine.Event) string {
	switch {
	case ev.Action == "erase":
		return "erase revision " + ev.Revision
	case ev.From == "" && ev.To == "":
		return ev.Action
	case ev.From == "" && ev.Action == string(rotation.Revoke):
		return "revoke: made in the place of a compromised key; it signs"
	case ev.From == "" && ev.To == keyset.Current:
		return ev.Action + ": the first key; it signs"
	case ev.From == "":
		return fmt.Sprintf("%s: made, as %s", ev.Action, ev.To)
	case ev.To == "":
		return fmt.Sprintf("%s: taken out of the document, where it was %s", ev.Action, ev.From)
	case ev.From == keyset.Next && ev.To == keyset.Current:
		return ev.Action + ": it begins to sign"
	case ev.From == keyset.Current && ev.To == keyset.Previous:
		return ev.Action + ": it stops signing, and goes on verifying"
	}
	return fmt.Sprintf("%s: %s, then %s", ev.Action, ev.From, ev.To)
}

// Evidence is what a report to an auditor rests on.
type Evidence struct {
	Problem string // why the document could not be read or trusted; "" if it was
	File    string // path of the audit file; "" if there is none
	Spoilt  int    // lines of it that are no events
	Remains string // what the store leaves behind after an erasure; "" if it cannot be opened
}

// Worth says what a reader may conclude from it.
func (e Evidence) Worth() (told []string) {
	if e.Problem != "" {
		told = append(told, "the document could not be read or trusted: "+e.Problem)
	} else {
		told = append(told,
			"the document attests times that rotate read off the clocks of its host and, where it has one, of the store; its digest shows accidents and hand edits, not a writer who computes a new one",
			"its times are rounded up to the second, those of the file down: a second between them is no contradiction",
			"it keeps the last 8 removed kids, the requests of 7 days, and one mark of each kind: what is older is only in an audit file or a log")
	}
	if e.File == "" {
		told = append(told, "there is no audit file (audit: {file: …} in the config): who did what is in the daemon's log alone")
	} else {
		told = append(told, "the audit file holds what this host's rotate did; other replicas write their own. Whoever may write it can change it: ship it elsewhere, or make it append-only")
	}
	if e.Spoilt > 0 {
		told = append(told, fmt.Sprintf("%d of its lines are no events: somebody cut or edited the file", e.Spoilt))
	}
	if e.Remains == "" {
		return append(told, "an erasure is as strong as the store's: nobody can tell how strong that is while the store cannot be opened")
	}
	return append(told, "an erasure is as strong as the store's: "+e.Remains)
}
