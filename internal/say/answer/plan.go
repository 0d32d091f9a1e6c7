package answer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// An appointment is one step of one key.
type appointment struct {
	key string
	rotation.Step
}

// Plan is the calendar of all keys, and what cannot be told.
func Plan(all []ops.Outcome[ops.Calendar], from, until time.Time) string {
	var calendar []appointment
	var unknown []string
	wide := 0
	for _, o := range all {
		if o.Err != nil {
			unknown = append(unknown, o.Key.Name+": "+noCalendar(o.Err))
		}
		for _, s := range o.Got.Steps {
			calendar = append(calendar, appointment{o.Key.Name, s})
			wide = max(wide, len(o.Key.Name))
		}
	}
	slices.SortStableFunc(calendar, func(x, y appointment) int {
		return cmp.Or(x.At.Compare(y.At), strings.Compare(x.key, y.key))
	})
	var b strings.Builder
	if len(calendar) == 0 && len(unknown) < len(all) {
		fmt.Fprintf(&b, "nothing is to be done from %s to %s\n", say.Stamp(from), say.Stamp(until))
	}
	for _, s := range calendar {
		fmt.Fprintf(&b, "%s  %-*s  %-7s  %s\n", s.At.UTC().Format("Mon 2006-01-02 15:04:05 UTC"), wide, s.key, s.Do, s.text())
	}
	for _, line := range unknown {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// Cut says that a calendar goes on after what is shown of it.
func Cut(c ops.Calendar) string {
	n := len(c.Steps)
	return fmt.Sprintf("only the first %d steps are shown, until %s", n, say.Stamp(c.Steps[n-1].At))
}

// noCalendar says why there is none for a key.
func noCalendar(err error) string {
	var halt *ops.HaltError
	var unclear *ops.UnclearError
	var failed *engine.Error
	state := "incomplete calendar"
	switch {
	case errors.As(err, &halt):
		state = "no calendar, it is halted"
	case errors.As(err, &unclear):
		state = "no calendar yet"
	case errors.As(err, &failed):
		state = "no calendar, its store is unreachable"
	}
	return state + ": " + say.Error(err).What
}

// text is what the step does to whom, and why. Kids that do not exist yet are
// not named.
func (s appointment) text() string {
	why := say.Why(s.Why, say.Plain)
	which := "kid " + say.Kid(s.Kid)
	if s.Future {
		which = "that key"
	}
	switch s.Do {
	case rotation.Create:
		return "the first key is made and signs: " + why
	case rotation.Publish:
		return "a next key is made, for readers to learn: " + why
	case rotation.Promote:
		return which + " begins to sign: " + why
	case rotation.Retire:
		return which + " is removed: its grace is over"
	}
	return why
}
