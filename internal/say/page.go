package say

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// Life says the dates of one key, those that are known.
func Life(l rotation.Life, now time.Time) string {
	name := "a key that is not made yet"
	if !l.Future {
		name = "kid " + Kid(l.Kid)
	}
	removed := "removed "
	if l.Revoked {
		removed = "revoked, and removed "
	}
	parts := []string{name}
	for _, date := range []struct {
		does string
		at   time.Time
	}{{"published ", l.Published}, {"signs from ", l.Signs}, {"only verifies from ", l.Replaced}, {removed, l.Removed}} {
		if !date.at.IsZero() {
			parts = append(parts, date.does+When(now, date.at))
		}
	}
	return strings.Join(parts, ", ")
}

// Attention says why a person should look at a key.
func Attention(key status.Key, now time.Time) []Words {
	return words(keyStatus{Key: key}.attention(From(now)))
}

// Warnings says what is less than it should be.
func Warnings(key status.Key, now time.Time) []Words {
	return words(keyStatus{Key: key}.warnings(From(now)))
}

func words(remarks []remark) (all []Words) {
	for _, r := range remarks {
		all = append(all, Words{Clean(r.What), Clean(r.Hint)})
	}
	return all
}

// Facts says what else is known of a key.
func Facts(key status.Key, now time.Time) []Fact {
	all := keyStatus{Key: key, now: now}.facts()
	for i, f := range all {
		all[i].Text = Clean(f.Text)
	}
	return all
}

// Next says what comes next for a key, and when.
func Next(key status.Key, now time.Time) string {
	k := keyStatus{Key: key, now: now}
	if when := k.when(false); when != "-" {
		return k.brief() + ", " + when
	}
	return k.brief()
}

// Needing says how many keys need a person, of all.
func Needing(n, all int) string {
	switch {
	case all == 0:
		return "no keys"
	case n == 0:
		return Plural(all, "key") + ", none needs attention"
	}
	return need(strconv.Itoa(n)+" of "+Plural(all, "key"), n, "attention")
}
