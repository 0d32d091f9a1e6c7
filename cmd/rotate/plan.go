package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

func (a *app) planCommand() *cobra.Command {
	days := 365
	cmd := &cobra.Command{
		Use:   "plan [KEY…]",
		Short: "Show the calendar: every publish, promote and retire to come",
		Long: `Show when each key will be published, promoted and retired, as the daemon would
do it: the same planner decides, from what the stores hold now. Nothing is changed.

Clocks may differ by 5m, the skew: a next key signs that much later than its propagation has
ended, and a key is removed that much later than its grace has. (0s where propagation is 0s.)`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args, days) },
	}
	cmd.Flags().IntVar(&days, "days", days, "how far to look ahead")
	return cmd
}

// An appointment is one step of one key.
type appointment struct {
	key string
	rotation.Step
}

func (a *app) plan(ctx context.Context, names []string, days int) error {
	if days < 1 || days > 3660 {
		return usage.New(fmt.Sprintf("--days %d: 1 to 3660", days))
	}
	keys, err := a.keys(choice{names: names, all: len(names) == 0})
	if err != nil {
		return err
	}
	from := a.now().UTC().Truncate(time.Second)
	until := from.AddDate(0, 0, days)
	var calendar []appointment
	var unknown []string
	v := verdict{app: a}
	for _, k := range keys {
		steps, err := a.forecast(ctx, k, from, until)
		v.add(k, answer{}, err)
		if why := noCalendar(err); why != "" {
			unknown = append(unknown, fmt.Sprintf("%s: %s", k.Name, why))
		}
		for _, s := range steps {
			calendar = append(calendar, appointment{k.Name, s})
		}
	}
	slices.SortStableFunc(calendar, func(x, y appointment) int {
		return cmp.Or(x.At.Compare(y.At), strings.Compare(x.key, y.key))
	})
	if err := a.printCalendar(calendar, unknown, len(unknown) < len(keys), from, until); err != nil {
		return err
	}
	return v.err(len(keys))
}

// forecast asks the planner, beginning with what the store holds.
func (a *app) forecast(ctx context.Context, k *fleet.Key, from, until time.Time) (steps []rotation.Step, err error) {
	defer caught(k, &err)
	r, err := a.host(quiet).Certain(ctx, k, engine.Ask{})
	if err != nil {
		return nil, err
	}
	steps, err = rotation.Forecast(k.Policy, rotation.Facts{Set: r.Set, Outputs: r.Outputs, Clock: rotation.Clock{Wall: from}}, until)
	if err != nil {
		return steps, fmt.Errorf("key %s: the calendar ends early: %w", k.Name, err)
	}
	if n := len(steps); n > 0 && steps[n-1].At.Before(until.AddDate(0, 0, -1)) && n >= 1000 {
		a.voice.Note("key %s: only the first %d steps are shown, until %s", k.Name, n, say.Stamp(steps[n-1].At))
	}
	return steps, nil
}

// noCalendar says why there is none for a key; "" if there is.
func noCalendar(err error) string {
	var halt *ops.HaltError
	var unclear *ops.UnclearError
	var failed *engine.Error
	state := "incomplete calendar"
	switch {
	case err == nil:
		return ""
	case errors.As(err, &halt):
		state = "no calendar, it is halted"
	case errors.As(err, &unclear):
		state = "no calendar yet"
	case errors.As(err, &failed):
		state = "no calendar, its store is unreachable"
	}
	return state + ": " + say.Error(err).What
}

func (a *app) printCalendar(calendar []appointment, unknown []string, known bool, from, until time.Time) error {
	var b strings.Builder
	if len(calendar) == 0 && known {
		fmt.Fprintf(&b, "nothing is to be done from %s to %s\n", say.Stamp(from), say.Stamp(until))
	}
	wide := 0
	for _, s := range calendar {
		wide = max(wide, len(s.key))
	}
	for _, s := range calendar {
		fmt.Fprintf(&b, "%s  %-*s  %-7s  %s\n", s.At.UTC().Format("Mon 2006-01-02 15:04:05 UTC"), wide, s.key, s.Do, s.text())
	}
	for _, line := range unknown {
		fmt.Fprintln(&b, line)
	}
	if _, err := a.stdout.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("the answer could not be written: %w", err)
	}
	return nil
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
