package say

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// named is how a notification begins: it is read far from the config.
func named(k status.Key) string { return fmt.Sprintf("%s (%s)", Clean(k.Key), Clean(k.Environment)) }

// Changed tells what became of a key's keys. Without changes, those that are live
// now are told.
func Changed(k status.Key, changes []status.Change) string {
	var parts []string
	for _, c := range changes {
		parts = append(parts, changed(k, c))
	}
	if len(parts) == 0 && k.Current != nil {
		parts = []string{fmt.Sprintf("its keys changed: kid %s signs", Kid(k.Current.Kid))}
	}
	return named(k) + ": " + strings.Join(parts, "; ")
}

func changed(k status.Key, c status.Change) string {
	kid := "kid " + Kid(c.Kid)
	switch {
	case c.To == keyset.Next && k.Next != nil && k.Next.Signs != nil:
		return kid + " is published and signs from " + Stamp(*k.Next.Signs)
	case c.To == keyset.Next:
		return kid + " is published"
	case c.To == keyset.Current:
		return kid + " signs now"
	case c.To == keyset.Previous:
		return kid + " only verifies now" + expiry(k, c.Kid)
	case c.Revoked:
		return kid + " is revoked"
	}
	return kid + " is removed"
}

// expiry is until when a previous key verifies, once that is known.
func expiry(k status.Key, kid string) string {
	for _, p := range k.Previous {
		if p.Kid == kid && p.Expires != nil {
			return ", until " + Stamp(*p.Expires)
		}
	}
	return ""
}

// Ended tells that a key was removed.
func Ended(k status.Key) string {
	return fmt.Sprintf("%s was removed: every key is erased, and only a marker stands there", named(k))
}

// Upcoming tells that a rotation is due soon.
func Upcoming(k status.Key, now time.Time) string {
	if p := k.Paused; p != nil && p.Until.After(*k.Due) {
		return fmt.Sprintf("%s: a rotation is due %s, and a pause holds it back until %s", named(k), When(now, *k.Due), When(now, p.Until))
	}
	return fmt.Sprintf("%s: another key begins to sign %s", named(k), When(now, *k.Due))
}

// Trouble tells what needs a person: every alarm of the key.
func Trouble(k status.Key) string {
	all, _ := texts(keyStatus{Key: k}.attention(Plain))
	what := "needs a person"
	switch {
	case k.State == status.Halted:
		what = "has halted"
	case len(k.Alarms) == 1 && k.Alarms[0].Code == rotation.Overdue:
		what = "is overdue"
	}
	return Clean(fmt.Sprintf("%s %s: %s", named(k), what, strings.Join(all, "; ")))
}

// Recovered tells that nothing needs a person any more.
func Recovered(k status.Key, after time.Duration) string {
	return fmt.Sprintf("%s is well again, after %s", named(k), rotation.Duration(after.Round(time.Second)))
}

// Digest tells several things at once.
func Digest(texts []string) string {
	return fmt.Sprintf("%d notifications:\n- %s", len(texts), strings.Join(texts, "\n- "))
}
