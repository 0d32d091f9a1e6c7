package say

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/rotation"
)

// Alarm says what needs a person although work goes on.
func Alarm(r rotation.Reason, about Subject, at Times) Words {
	s := speaker{about, at}
	if r.Code.Behind() {
		why := behind(r)
		if r.Unwritten() {
			return Words{What: r.Output + ": an output is " + why.What + ". No key is removed before"}
		}
		return Words{fmt.Sprintf("an output is behind: %s: %s. No key is removed until it is up to date", r.Output, why.What), why.Hint}
	}
	switch r.Code {
	case rotation.ClocksApart:
		return doubt(fmt.Sprintf("this host's clock says %s, the store's %s, %s apart", at(r.At), at(r.At.Add(-r.For)), rotation.Duration(r.For.Abs())))
	case rotation.ClockBehind:
		return doubt(fmt.Sprintf("the document was written at %s, but this host's clock says %s", at(r.At), at(r.At.Add(-r.For))))
	case rotation.ClockJumped:
		return doubt(fmt.Sprintf("this host's clock jumped %s ago, or the host was suspended, and the store tells no time; it is trusted again at %s", rotation.Duration(r.For), at(r.At)))
	case rotation.OtherOutputs:
		differ := "it lacks some of those that this one has"
		if r.Output != "" {
			differ = "this one does not have " + r.Output
		}
		return Words{What: "another process has other outputs for this key, and made its mark in place of this one's: " + differ + ". Give all the same config, and reload them"}
	case rotation.NoRoom:
		return Words{What: fmt.Sprintf("a rotation is wanted, but %d keys are live already; the next one is made when one of them has left its grace", r.Have)}
	case rotation.NotErased:
		return s.notErased(r)
	case rotation.NotGone:
		return s.notGone(r)
	case rotation.WritersBusy:
		return Words{
			What: fmt.Sprintf("other writers were faster, %d times in a row; this process tries again, less and less often", r.Have),
			Hint: "something writes this secret again and again: look at who does, in the service's own audit log",
		}
	case rotation.StaleRead:
		return Words{What: s.stale(r)}
	case rotation.SharedKid:
		return s.sharedKid(r)
	case rotation.WeakKey:
		return Words{What: fmt.Sprintf("the adopted kid %s is weak and still %s", Kid(r.Kid), s.weak(r))}
	case rotation.NoKeyYet:
		return Words{"there is no keyset yet", "rotate now " + s.Key + ", or a running daemon, makes the first key"}
	case rotation.UnnamedKeyset:
		return s.unnamed(r)
	case rotation.NotLookedAt:
		return Words{What: "not looked at yet since the daemon began"}
	}
	return s.failed(r)
}

// unnamed words keysets beside a new key.
func (s speaker) unnamed(r rotation.Reason) Words {
	more := ""
	if r.Have > 1 {
		more = fmt.Sprintf(" So do %d more, as `rotate list %s` shows.", r.Have-1, r.Of.Store)
	}
	return Words{
		fmt.Sprintf("this key is new, and in secret %s of store %s stands the keyset of key %q, of the same environment, which no key of this config has.%s "+
			"If this key took the place of one of them, everyone with a token of the old key is logged out", r.Of.Secret, r.Of.Store, r.Of.Key, more),
		fmt.Sprintf("if the key was renamed, call it %s again, or say so with was: (docs/names.md). If another config has that keyset, or nobody needs it, nothing is to be done: this alarm ends %s after the key was made",
			r.Of.Key, rotation.Duration(rotation.FreshFor)),
	}
}

// doubt words why the time is not trusted.
func doubt(why string) Words {
	return Words{What: "the time is in doubt: " + why + ". Until then no key is deleted, and none begins to sign unless this process ran through its whole wait"}
}

func (s speaker) notErased(r rotation.Reason) Words {
	place := ""
	if r.Output != "" {
		place = r.Output + ": "
	}
	return Words{What: place + "superseded revisions could not be erased: " + r.Cause, Hint: r.Hint}
}

// sharedKid words that two key pairs have one kid.
func (s speaker) sharedKid(r rotation.Reason) Words {
	return Words{
		What: fmt.Sprintf("kid %s is also the kid of another key pair, of key %s (store %s, secret %s). A JWK Set of the config shows both, and a verifier may try the wrong one and refuse a good token. "+
			"Both are served and sign as before", r.Kid, r.Of.Key, r.Of.Store, r.Of.Secret),
		Hint: fmt.Sprintf("rotate one of the two: rotate now %s. Its next key has a kid of its own, and this ends with its grace", s.Key),
	}
}

// weak words how long a weak key is still of use to a thief.
func (s speaker) weak(r rotation.Reason) string {
	switch {
	case r.Is != "previous":
		return "signs until the next key has taken its place"
	case r.At.IsZero():
		return "verifies until its grace has ended"
	}
	return "verifies until " + s.at(r.At)
}

// failed words a call of the key's store that failed. Whoever tells it names the key.
func (s speaker) failed(r rotation.Reason) Words {
	return Words{fmt.Sprintf("store %s: %s; %s", s.Store, r.Cause, still(r.Kid)), r.Hint}
}

// still says what is unharmed.
func still(kid string) string {
	if kid == "" {
		return "nothing was changed"
	}
	return "kid " + kid + " still signs"
}

// Alarms says all of them in one text; "" for none.
func Alarms(all []rotation.Reason, about Subject, at Times) string {
	var texts []string
	between := "; "
	for _, r := range all {
		if r.Code != rotation.SharedKey {
			w := Alarm(r, about, at)
			texts = append(texts, w.String())
			if w.Hint != "" {
				between = "\n" // a hint is a line
			}
		}
	}
	if twins := Shared(all); twins != "" {
		texts = append(texts, twins)
	}
	return strings.Join(texts, between)
}

// Shared words every SharedKey of some reasons; "" if there is none.
func Shared(all []rotation.Reason) string {
	var found []string
	for _, r := range all {
		if r.Code == rotation.SharedKey {
			found = append(found, fmt.Sprintf("kid %s is the same key as kid %s of key %s (environment %s, store %s, secret %s)", r.Kid, r.Of.Kid, r.Of.Key, r.Of.Environment, r.Of.Store, r.Of.Secret))
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return strings.Join(found, "; ") + ": who can sign for one can sign for the other. Both go on as they are, as nobody can tell which one is meant to have it. " +
		"Rotate both (rotate now), and they part when the grace has ended; at once, with --compromised, where one side must not be able to sign for the other"
}

// old says what an output holds that only was looked at, and who has to bring it up to date.
func old(r rotation.Reason) string {
	holds := "its value was changed after rotate wrote it"
	switch {
	case r.Unwritten():
		return "not written yet: the next pass of `rotate run` or `rotate run --once` writes it for the first time. If one runs, its log says what keeps it from that"
	case r.Have < r.Want:
		holds = fmt.Sprintf("it still holds generation %d, the store %d", r.Have, r.Want)
	}
	return holds + ". `rotate run`, or `rotate run --once`, writes it: if one runs, its log says what keeps it from that"
}

// unread says why readers of an output do not read it yet.
func unread(r rotation.Reason) Words {
	const holds = "it holds the newest keys, and its readers were not made to read them: "
	if r.Cause == "" {
		return Words{What: holds + "its `after` has not run yet",
			Hint: "`rotate run`, or `rotate run --once`, runs it: if one runs, its log says what keeps it from that"}
	}
	return Words{holds + r.Cause, r.Hint}
}

// Behind says why an output is, and what to do.
func Behind(r rotation.Reason, _ Times) string { return behind(r).String() }

func behind(r rotation.Reason) Words {
	switch r.Code {
	case rotation.OutputStranger:
		return Words{What: "it holds a value that rotate did not write; nothing was overwritten. " +
			"If applications use that value, `rotate adopt` takes it in as the key, and then this place with it; if they do not, move it away"}
	case rotation.OutputForeign:
		return Words{What: "it holds a value of another keyset; nothing was overwritten. Give the output a place of its own, or move that value away"}
	case rotation.OutputNewer:
		return Words{What: fmt.Sprintf("it holds generation %d, the store %d; nothing was overwritten. The store may have been restored from a backup: put the newest document back", r.Have, r.Want)}
	case rotation.OutputOld:
		return Words{What: old(r)}
	case rotation.OutputNotKept:
		return Words{What: "it does not hold what was written to it"}
	case rotation.OutputUnrendered:
		return Words{What: "cannot be rendered: " + r.Cause}
	case rotation.OutputUnread:
		return unread(r)
	}
	return Words{r.Cause, r.Hint}
}
