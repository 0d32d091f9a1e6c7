package say

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Distance is how far t is from now: `in 2h`, `3d ago`, `now`. Stored times are
// whole seconds, rounded up, so what was done a moment ago can lie ahead.
func Distance(now, t time.Time) string {
	switch d := t.Sub(now).Round(time.Second); {
	case d > time.Second:
		return "in " + rotation.Duration(d).String()
	case d < -time.Second:
		return rotation.Duration(-d).String() + " ago"
	}
	return "now"
}

// kidLength is enough to tell live keys apart, and to find one in a log.
const kidLength = 12

// Kid is the short form of a kid.
func Kid(kid string) string {
	if len(kid) <= kidLength {
		return Clean(kid)
	}
	return Clean(kid[:kidLength]) + "…"
}

// Kids lists kids in their short form: `kid a…, kid b…`.
func Kids(kids []string) string {
	var short []string
	for _, kid := range kids {
		short = append(short, "kid "+Kid(kid))
	}
	return strings.Join(short, ", ")
}

// KidBegins reports whether a kid, as it is shown, begins with a text.
func KidBegins(kid, text string) bool { return strings.HasPrefix(Clean(kid), text) }

// Plural counts: `1 key`, `2 keys`.
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// Names is the first few of some names, and how many there are more.
func Names(names []string) string {
	const few = 6
	text := strings.Join(names[:min(len(names), few)], ", ")
	if n := len(names) - few; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// need says of so many that they need something: `2 keys need none`.
func need(who string, n int, what string) string {
	if n == 1 {
		return who + " needs " + what
	}
	return who + " need " + what
}
