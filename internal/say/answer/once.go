package answer

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Once says in a line what was done for a key and what comes next.
func Once(now time.Time, o ops.Outcome[engine.Result]) Answer {
	about, step := o.Key.Subject(), o.Got.Step
	switch {
	case o.Err != nil:
		return Line(o.Key.Name + ": failed, see the error")
	case step.Do == rotation.Halt:
		a := Line(o.Key.Name + ": halted, a person has to look")
		a.Alarm = say.Found(step.Why, about).String()
		return a
	}
	var did []string
	for _, ev := range o.Got.Did {
		if word := done[ev.Action]; word != "" && (ev.To == "current" || ev.Action != string(rotation.Promote)) {
			did = append(did, word+" kid "+say.Kid(ev.Kid))
		}
	}
	was := "nothing was due"
	switch {
	case len(did) > 0:
		was = strings.Join(did, ", ")
	case len(step.Alarms) > 0 && step.At.IsZero():
		was = "nothing could be done"
	}
	next := say.Step(step, about)
	if !step.At.IsZero() {
		next = "next at " + say.When(now, step.At) + ": " + next
	}
	a := Line(fmt.Sprintf("%s: %s; %s", o.Key.Name, was, next))
	a.Alarm = say.Alarms(step.Alarms, about, say.Plain)
	return a
}

// done is for what people want to know of a pass; marks are not.
var done = map[string]string{
	string(rotation.Create): "created", string(rotation.Publish): "published",
	string(rotation.Promote): "promoted", string(rotation.Retire): "retired", string(rotation.Revoke): "revoked",
}
