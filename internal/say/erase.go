// Package say puts what the rules answer into words.
package say

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/rotation"
)

// Erased says how gone a removed key is; places are the names of those that make
// it so.
func Erased(now time.Time, t rotation.Trace, places []string) string {
	in := ""
	if len(places) > 0 && Telling(t) {
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
		return t.How + "; the service was to destroy it at " + ui.When(now, t.Until)
	case !t.Until.IsZero():
		return t.How + " until the service destroys it at " + ui.When(now, t.Until)
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

// Telling tells whether the places of a trace are worth naming: those in which a
// key is less than gone.
func Telling(t rotation.Trace) bool {
	return t.How == rotation.NotYet || t.How == rotation.CannotTell || t.Observed && rotation.Reversible(t.How)
}

// Alarm says why a person should look after a removed key, and what to do.
func Alarm(now time.Time, key string, t rotation.Trace, places []string) string {
	kid := "kid " + ui.Kid(t.Kid)
	if t.Revoked {
		kid = "the revoked " + kid
	}
	in := strings.Join(places, ", ")
	switch {
	case t.How == rotation.NotYet:
		return fmt.Sprintf("%s can still be read in %s\nhint: rotate run --once, or a running daemon, erases it, and says what keeps it from that", kid, in)
	case t.How == rotation.CannotTell:
		return fmt.Sprintf("nobody can tell whether %s is gone from %s\nhint: make the place readable for rotate. If no output of the config is there any more: rotate forget %s PLACE", kid, in, key)
	case !t.Until.IsZero():
		return fmt.Sprintf("%s is only %s in %s: whoever may enable it again has it back until the service destroys it at %s", kid, t.How, in, ui.When(now, t.Until))
	}
	return fmt.Sprintf("%s is only %s in %s: whoever has the right to can get it back there. This is said until the next rotation", kid, t.How, in)
}
