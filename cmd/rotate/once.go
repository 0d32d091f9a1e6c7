package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// once does what is due for each key, and prints a line for each.
func (a *app) once(ctx context.Context, log *slog.Logger) error {
	keys, err := a.keys(choice{all: true})
	if err != nil {
		return err
	}
	result := verdict{app: a}
	for o := range daemon.Once(ctx, a.host(log), keys) {
		var ans answer
		switch about, step := o.Key.Subject(), o.Got.Step; {
		case o.Err != nil:
			ans = oneLine(o.Key.Name + ": failed, see the error")
		case step.Do == rotation.Halt:
			ans = oneLine(o.Key.Name + ": halted, a person has to look")
			ans.alarm = say.Found(step.Why, about).String()
		default:
			ans = oneLine(a.onceLine(o.Key, o.Got))
			ans.alarm = say.Alarms(step.Alarms, about, say.Plain)
		}
		result.add(o.Key, ans, o.Err)
	}
	return result.err(len(keys))
}

// onceLine is what was done and what comes next.
func (a *app) onceLine(k *fleet.Key, r engine.Result) string {
	var did []string
	for _, ev := range r.Did {
		if word := words[ev.Action]; word != "" && (ev.To == "current" || ev.Action != string(rotation.Promote)) {
			did = append(did, word+" kid "+say.Kid(ev.Kid))
		}
	}
	done := "nothing was due"
	switch {
	case len(did) > 0:
		done = strings.Join(did, ", ")
	case len(r.Step.Alarms) > 0 && r.Step.At.IsZero():
		done = "nothing could be done"
	}
	next := say.Step(r.Step, k.Subject())
	if !r.Step.At.IsZero() {
		next = "next at " + say.When(a.now(), r.Step.At) + ": " + next
	}
	return fmt.Sprintf("%s: %s; %s", k.Name, done, next)
}

// words are for what people want to know of a pass; marks are not.
var words = map[string]string{
	string(rotation.Create): "created", string(rotation.Publish): "published",
	string(rotation.Promote): "promoted", string(rotation.Retire): "retired", string(rotation.Revoke): "revoked",
}
