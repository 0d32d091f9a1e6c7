package rotation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// maxForecast bounds the steps of a forecast: a schedule of seconds has no end.
const maxForecast = 1000

// Forecast is what Plan will decide from the clock of f until a time, if every
// call succeeds at once and no output changes. It runs Plan itself on made-up
// keys, so both decide alike. It leaves out marks.
func Forecast(p Policy, f Facts, until time.Time) ([]Step, error) {
	var steps []Step
	made := map[string]bool{}
	set, now := f.Set, f.Clock.Wall
	if set == nil && f.Removed != nil && !MayBegin(f.Removed, f.Fresh) {
		return nil, nil
	}
	for n := 1; !now.After(until) && len(steps) < maxForecast; n++ {
		step := Plan(p, Facts{Set: set, Outputs: f.Outputs, Clock: Clock{Wall: now}})
		switch step.Do {
		case Wait:
			if step.At.IsZero() {
				return steps, nil
			}
			now = step.At
			continue
		case Bury:
			return append(steps, step), nil
		case Create, Publish, Promote, Retire:
			step.Future = made[step.Kid]
			steps = append(steps, step)
		}
		kid := unused(set, n)
		made[kid] = true
		var err error
		if set, err = pretend(p, set, step, kid); err != nil {
			return steps, err
		}
	}
	return steps, nil
}

// unused is a kid that the keyset does not know, not even as one that is gone.
func unused(set *keyset.Set, n int) string {
	kid := "future-" + strconv.Itoa(n)
	for set != nil && set.Knows(kid) {
		kid += "-"
	}
	return kid
}

// pretend applies a step. A new key is one that no one will ever use.
func pretend(p Policy, set *keyset.Set, step Step, kid string) (*keyset.Set, error) {
	switch step.Do {
	case Create, Publish:
		k, err := keyset.NewSymmetric(kid, keyset.Opaque, secret.New([]byte(strings.Repeat("forecast", 4))), "")
		if err != nil {
			return nil, err
		}
		if step.Do == Create {
			return keyset.Create("forecast", "forecast", "forecast", k, step.At)
		}
		return set.Publish(k, step.At)
	case MarkReady:
		return set.MarkReady(step.At, step.Places)
	case Promote:
		return set.Promote(step.At)
	case MarkSettled:
		return set.MarkSettled(step.At, step.Places, p.Grace)
	case Retire:
		return set.Retire(step.Kid, step.At)
	}
	return nil, fmt.Errorf("rotation: a forecast does not %s", step.Do)
}
