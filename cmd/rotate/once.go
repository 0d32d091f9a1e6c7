package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ui"
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
		text, alarm := a.onceLine(o.Key, o.Got), o.Got.Step.Alarm
		switch {
		case o.Err != nil:
			text, alarm = o.Key.Name+": failed, see the error\n", ""
		case o.Got.Step.Do == rotation.Halt:
			text, alarm = o.Key.Name+": halted, a person has to look\n", o.Got.Step.Why
		}
		result.add(o.Key, answer{text, alarm}, o.Err)
	}
	return result.err(len(keys))
}

// onceLine is what was done and what comes next.
func (a *app) onceLine(k *fleet.Key, r engine.Result) string {
	var did []string
	for _, ev := range r.Did {
		if word := words[ev.Action]; word != "" && (ev.To == "current" || ev.Action != string(rotation.Promote)) {
			did = append(did, word+" kid "+ui.Kid(ev.Kid))
		}
	}
	done := "nothing was due"
	switch {
	case len(did) > 0:
		done = strings.Join(did, ", ")
	case r.Step.Alarm != "" && r.Step.At.IsZero():
		done = "nothing could be done"
	}
	next := r.Step.Why
	if !r.Step.At.IsZero() {
		next = "next at " + ui.When(a.now(), r.Step.At) + ": " + next
	}
	return fmt.Sprintf("%s: %s; %s\n", k.Name, done, next)
}

// words are for what people want to know of a pass; marks are not.
var words = map[string]string{
	string(rotation.Create): "created", string(rotation.Publish): "published",
	string(rotation.Promote): "promoted", string(rotation.Retire): "retired", string(rotation.Revoke): "revoked",
}
