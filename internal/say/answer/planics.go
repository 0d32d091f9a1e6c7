package answer

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/ical"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// Who subscribes looks a few times a day, and is reminded a week before another key signs.
const (
	icsRefresh  = 6 * time.Hour
	icsReminder = 7 * 24 * time.Hour
)

// ICS writes a plan as a calendar. Each step is an event, and each key of which nobody can tell has one today: a calendar
// without it would look as if all were well.
func (p Plan) ICS(w io.Writer) error {
	c := ical.Calendar{Name: "rotate", Made: p.From, Refresh: icsRefresh}
	for _, k := range p.Keys {
		c.Name = "rotate " + k.Environment
		if k.Trouble != "" {
			c.Events = append(c.Events, k.troubleEvent(p.From))
		}
		for _, s := range k.Steps {
			c.Events = append(c.Events, k.event(s))
		}
	}
	slices.SortStableFunc(c.Events, func(x, y ical.Event) int { return x.At.Compare(y.At) })
	return c.Write(w)
}

// event is a step. Only the moment at which another key signs has a reminder: what was published for it before, and what
// is removed after it, are of the same rotation.
func (k KeyPlan) event(s PlanStep) ical.Event {
	e := ical.Event{
		UID: k.uid(fmt.Sprint(s.Generation)), At: s.At, Summary: k.Key + ": " + s.does(),
		Description: fmt.Sprintf("Why: %s.\nEnvironment %s. `rotate run` does this; `rotate status %s` shows the key.", s.Why, k.Environment, k.Key),
	}
	if s.Step.Do == rotation.Promote {
		e.Alarm = icsReminder
	}
	return e
}

func (k KeyPlan) troubleEvent(today time.Time) ical.Event {
	return ical.Event{
		UID: k.uid("trouble"), At: today, AllDay: true, Summary: k.Key + ": " + string(k.Trouble) + ", the calendar lacks what comes",
		Description: fmt.Sprintf("%s.\nEnvironment %s. `rotate status %s` says what to do.", say.Clean(k.Why), k.Environment, k.Key),
	}
}

// uid is the same for the same key and generation in every calendar, and tells nobody else anything: a UUID of version 8
// (RFC 9562, 5.8), as RFC 7986, 5.3 wants of a UID.
func (k KeyPlan) uid(what string) string {
	u := sha256.Sum256([]byte(PlanSchema + "\x00" + k.Environment + "\x00" + k.Key + "\x00" + what))
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
