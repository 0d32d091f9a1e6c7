package say

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Erased says how gone a removed key is; places are the names of those that make
// it so.
func Erased(now time.Time, t rotation.Trace, places []string) string {
	in := ""
	if len(places) > 0 && t.Telling() {
		in = ": " + strings.Join(places, ", ")
	}
	switch {
	case t.How == rotation.NotYet:
		return "not yet gone" + in
	case t.How == rotation.CannotTell:
		return "nobody can tell whether it is gone" + in
	case !t.Observed:
		return t.How + " by the store's kind, not observed"
	case !t.Until.IsZero() && !now.Before(t.Until):
		return t.How + "; the service was to destroy it at " + When(now, t.Until)
	case !t.Until.IsZero():
		return t.How + " until the service destroys it at " + When(now, t.Until)
	}
	return t.How
}

// Held says for the record what became of what held a removed key.
func Held(now time.Time, t rotation.Trace, places []string) string {
	if t.How == rotation.NotYet || t.How == rotation.CannotTell {
		return Erased(now, t, places)
	}
	return "what held it is " + Erased(now, t, places)
}

// notGone says why a person should look after a removed key, and what to do.
func (s speaker) notGone(r rotation.Reason) Words {
	kid := "kid " + Kid(r.Kid)
	if r.Whose != "" {
		kid = "the " + r.Whose + " " + kid
	}
	switch {
	case r.Is == rotation.NotYet:
		return Words{fmt.Sprintf("%s can still be read in %s", kid, r.Output),
			"rotate run --once, or a running daemon, erases it, and says what keeps it from that"}
	case r.Is == rotation.CannotTell:
		return Words{fmt.Sprintf("nobody can tell whether %s is gone from %s", kid, r.Output),
			fmt.Sprintf("make the place readable for rotate. If no output of the config is there any more: rotate forget %s PLACE", s.Key)}
	case !r.At.IsZero():
		return Words{What: fmt.Sprintf("%s is only %s in %s: whoever may enable it again has it back until the service destroys it at %s", kid, r.Is, r.Output, s.at(r.At))}
	}
	return Words{What: fmt.Sprintf("%s is only %s in %s: whoever has the right to can get it back there. This is said until the next rotation", kid, r.Is, r.Output)}
}

// deleted is what a deletion does, by how strongly the store erases.
var deleted = map[string]string{
	string(providers.Destroyed):  "destroyed",
	string(providers.Unlinked):   "file unlinked",
	string(providers.Replaced):   "value replaced",
	string(providers.Disabled):   "only disabled",
	string(providers.Unlabelled): "only unlabelled",
	"":                           "nobody can tell while the store cannot be opened",
}

func (k keyStatus) erasureFacts(all *facts) {
	e := k.Erasure
	text := "keys: " + deleted[e.How]
	if e.Readable != nil && *e.Readable > 0 {
		text += fmt.Sprintf("; %s still readable", Plural(*e.Readable, "old revision"))
	} else if e.Readable != nil {
		text += "; no old revision is readable"
	}
	all.add("deleted", text)
	for _, g := range e.Gone {
		t := rotation.Trace{How: g.How, Observed: g.Observed}
		if g.Until != nil {
			t.Until = *g.Until
		}
		all.add("gone", fmt.Sprintf("%s  removed %s, %s", g.Kid, When(k.now, g.At), Erased(k.now, t, g.Places)))
	}
	if len(e.Revoked) > 0 {
		all.add("revoked", strings.Join(e.Revoked, ", "))
	}
}

// superseded is the reason of an erasure.
func superseded(r rotation.Reason, at Times) string {
	text := "superseded: " + r.Is
	if r.Output != "" {
		text = r.Output + ": " + text
	}
	if !r.At.IsZero() {
		text += " until it is destroyed at " + at(r.At)
	}
	return text
}

// Where names the place of a leftover.
func Where(l engine.Leftover) string {
	if l.Output == "" {
		return fmt.Sprintf("store %s, secret %s", l.Store, l.Secret)
	}
	return fmt.Sprintf("output %s, secret %s", l.Output, l.Secret)
}

// Left says what is left there.
func Left(l engine.Leftover) string {
	switch l.Code {
	case engine.LeftReadable:
		return "these superseded revisions can still be read: " + strings.Join(l.Revisions, ", ")
	case engine.LeftOld:
		return fmt.Sprintf("its value is of generation %d, and what was removed left at generation %d", l.Generation, l.Dropped)
	case engine.LeftForeign:
		return "it may hold them: its value is not one that rotate wrote for this key"
	case engine.LeftUnlisted:
		return "what can be read of its past could not be listed: " + Error(l.Cause).String()
	case engine.LeftUnrendered:
		return "it cannot be brought up to date: " + l.Cause.Error()
	}
	return "it may hold them: " + Error(l.Cause).String()
}

// LeftIn says where revoked keys may still be. cause is why the work was not finished, if a call failed.
func LeftIn(key string, kids []string, left []engine.Leftover, cause error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "key %s: %s is revoked, but not gone from every place", key, Kids(kids))
	for _, l := range left {
		fmt.Fprintf(&b, "\n  %s: %s", Where(l), Left(l))
	}
	if cause != nil {
		fmt.Fprintf(&b, "\n  not finished: %v", cause)
	}
	return b.String()
}

// LeftHint is what to do about them.
const LeftHint = "mend the place and repeat this command, which replaces nothing twice; a running daemon goes on with it, too"

// MayBeRevoked is of keys whose places could not be looked at after a revocation.
func MayBeRevoked(kids string) string {
	return kids + " may be revoked; what is left of it could not be looked for. Repeat this command, which replaces nothing twice"
}

// NotRevoked is of keys that another document took off the revoked list.
func NotRevoked(key, kids string) error {
	return fmt.Errorf("key %s: %s is not on the revoked list of what the store holds now; repeat this command", key, kids)
}
