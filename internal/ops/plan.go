package ops

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// maxSteps is how many steps a forecast has at most.
const maxSteps = 1000

// A Calendar is the steps to come of one key. With an error it has those before
// what is in the way.
type Calendar struct {
	Steps      []rotation.Step // in the order of time; each raises the generation by 1
	Generation uint64          // of the keyset before the first step; 0 where there is none
	Cut        bool            // there are more steps before the end
}

// Plan asks the planner what it would do with each key from one time until
// another, beginning with what the store holds.
func (h *Host) Plan(ctx context.Context, keys []*fleet.Key, from, until time.Time) iter.Seq[Outcome[Calendar]] {
	return Each(ctx, keys, AtOnce, func(ctx context.Context, k *fleet.Key) (c Calendar, err error) {
		r, err := h.Certain(ctx, k, engine.Ask{})
		if err != nil {
			return c, err
		}
		if r.Set != nil {
			c.Generation = r.Set.Generation
		}
		c.Steps, err = rotation.Forecast(k.Policy, rotation.Facts{Set: r.Set, Removed: r.Removed, Fresh: k.Fresh, Outputs: r.Outputs, Clock: rotation.Clock{Wall: from}}, until)
		if err != nil {
			return c, fmt.Errorf("key %s: the calendar ends early: %w", k.Name, err)
		}
		n := len(c.Steps)
		c.Cut = n >= maxSteps && c.Steps[n-1].At.Before(until.AddDate(0, 0, -1))
		return c, nil
	})
}
