package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/lazy"
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

// reasonTime is a time in a reason, after a word that says that it is one: a kid
// that was named by a date is never taken for it.
var reasonTime = lazy.Regexp(`\b(at|says|until|since|store's) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))[,.;:)]*(?:\s|$)`)

// Reason writes the times of a reason as When does. They are RFC 3339 where
// reasons are made, as programs read them, too.
func Reason(now time.Time, why string) string {
	var b strings.Builder
	end := 0
	for _, at := range reasonTime().FindAllStringSubmatchIndex(why, -1) {
		t, err := time.Parse(time.RFC3339, why[at[4]:at[5]])
		if err != nil {
			continue
		}
		b.WriteString(why[end:at[4]] + When(now, t))
		end = at[5]
	}
	return b.String() + why[end:]
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

// Plural counts: `1 key`, `2 keys`.
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
