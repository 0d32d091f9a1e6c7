package rotation

import (
	"fmt"
	"strings"
	"time"
)

// A Duration prints as people write it: 90d, 48h, 1h30m, never 2160h0m0s.
type Duration time.Duration

// String rounds to seconds from one second on, to minutes from one hour on. Up
// to three days it counts hours: a grace of 48h is not 2d.
func (d Duration) String() string {
	const day = 24 * time.Hour
	t := time.Duration(d)
	switch {
	case t < 0:
		return "-" + Duration(-t).String()
	case t < time.Second:
		return t.String()
	case t < time.Hour:
		t = t.Round(time.Second)
	default:
		t = t.Round(time.Minute)
	}
	var b strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if unit.size == day && t < 3*day {
			continue
		}
		if n := t / unit.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			t -= n * unit.size
		}
	}
	return b.String()
}
