package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// WeakAsker is on record as who wants a weak adopted key gone. Why it is weak
// would help a guesser as long as it is live, so that is told to the adopter
// alone.
const WeakAsker = "rotate adopt (a weak key)"

// Hidden says which keys should verify and are not among the three values that
// the format env and the document repeat, since those have room for one previous
// key; "" if all are. At promotes another key begins to sign; the zero time is
// for the keys as they are.
func Hidden(now time.Time, set *keyset.Set, promotes time.Time) string {
	previous, from := set.Previous(), now
	when := ""
	switch {
	case !promotes.IsZero():
		from, when = promotes, "from "+ui.When(now, promotes)+" on, when another key signs, "
	case len(previous) > 0:
		previous = previous[1:] // the youngest has a place
	}
	var hidden []string
	for _, k := range previous {
		switch {
		case k.Expires.IsZero():
			hidden = append(hidden, "kid "+ui.Kid(k.Kid)+" until its grace has ended")
		case k.Expires.After(from):
			hidden = append(hidden, "kid "+ui.Kid(k.Kid)+" until "+ui.When(now, k.Expires))
		}
	}
	if len(hidden) == 0 {
		return ""
	}
	return fmt.Sprintf("%snot among the three values current, next and previous, although it verifies: %s. "+
		"Readers of three variables (format env) refuse its tokens; readers of the whole keyset or of the format list take them",
		when, strings.Join(hidden, ", "))
}

// HiddenKeys is what Hidden says of the keys as they are, or of the rotation that
// is under way if that hides more; "" if it need not be said.
func HiddenKeys(now time.Time, p rotation.Policy, set *keyset.Set) string {
	is := Hidden(now, set, time.Time{})
	if at := Promotes(now, p, set); !at.IsZero() {
		if will := Hidden(now, set, at); strings.Count(will, "kid ") > strings.Count(is, "kid ") {
			return will
		}
	}
	return is
}

// Promotes is when the rotation that is under way makes another key sign, if all
// goes well; zero if none is.
func Promotes(now time.Time, p rotation.Policy, set *keyset.Set) time.Time {
	next, published := set.Next()
	_, asked := set.Pending()
	wait := p.Propagation + p.Skew()
	switch {
	case published:
		if at := Begins(p, set, next); !at.IsZero() {
			return later(at, now)
		}
		return now.Add(wait)
	case !asked:
		return time.Time{}
	}
	return later(now, Room(p, set)).Add(wait)
}

// Full tells that a rotation cannot begin: as many keys are live as may be.
func Full(set *keyset.Set) bool {
	_, published := set.Next()
	return !published && !set.HasRoom()
}

// Room is when a keyset that is Full has room for another key; zero if it is not
// full, or if no grace has begun.
func Room(p rotation.Policy, set *keyset.Set) (first time.Time) {
	if !Full(set) {
		return first
	}
	for _, k := range set.Previous() {
		if at := k.Expires.Add(p.Skew()); !k.Expires.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Removal is when a key is removed whose grace has ended, for a sentence on it:
// clocks may differ, so it is kept for the skew.
func Removal(skew time.Duration) string {
	if skew == 0 {
		return "then it is removed"
	}
	return "removed " + rotation.Duration(skew).String() + " later (clock skew)"
}

// weak says which adopted keys are weak and still live. It does not say in what
// way.
func weak(now time.Time, set *keyset.Set) (told []string) {
	for _, k := range set.Keys {
		if !k.Adopted || !wantedGone(set, k.Kid) && !short(k) {
			continue
		}
		does := "signs until the next key has taken its place"
		switch {
		case k.Status == keyset.Previous && k.Expires.IsZero():
			does = "verifies until its grace has ended"
		case k.Status == keyset.Previous:
			does = "verifies until " + ui.When(now, k.Expires)
		}
		told = append(told, fmt.Sprintf("the adopted kid %s is weak and still %s", ui.Kid(k.Kid), does))
	}
	return told
}

// wantedGone tells whether adopt asked for a rotation away from a key.
func wantedGone(set *keyset.Set, kid string) bool {
	for _, r := range set.Requests {
		if r.From == kid && r.By == WeakAsker {
			return true
		}
	}
	return false
}

// short: adopt's request may be forgotten before the key is gone, its length is
// not.
func short(k keyset.Key) bool {
	material, symmetric := k.VerifyKey().([]byte)
	return symmetric && len(material) < k.Alg.MinBytes()
}

// otherAlgorithm says that the youngest key is not for the algorithm that the
// config asks for; "" if it is.
func otherAlgorithm(set *keyset.Set, asked keyset.Algorithm) string {
	youngest, ok := set.Next()
	if !ok {
		youngest = set.Signing()
	}
	if asked == "" || youngest.Alg == asked {
		return ""
	}
	return fmt.Sprintf("the config asks for %s, kid %s is for %s: the next key that is made will be for %s, and verifiers must know both algorithms first",
		asked, ui.Kid(youngest.Kid), youngest.Alg, asked)
}
