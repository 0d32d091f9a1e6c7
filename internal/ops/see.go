package ops

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// patience is how long someone who looks at a key waits for a store that shows
// less than is known of it. AWS and Azure need no more than 10 s, Google may need
// minutes.
const patience = 15 * time.Second

// See looks at a key and changes nothing. A store that shows less than is known of
// the key is looked at again once it must have caught up, if that is soon.
func See(ctx context.Context, eng *engine.Engine, k *fleet.Key, ask engine.Ask) (r engine.Result, err error) {
	const enough = 3 // someone newer is heard each time
	for range enough {
		r, err = eng.Look(ctx, k.Target, ask)
		wait := r.Step.At.Sub(eng.Clock().Wall)
		if err != nil || r.Step.Why.Code != rotation.StaleRead || wait > patience {
			return r, err
		}
		if err := Pause(ctx, wait); err != nil {
			return r, err
		}
	}
	return r, nil
}

// An UnclearError says that nobody can tell yet what the store holds: its reads may
// be stale, and what it shows is less than is known of the key.
type UnclearError struct{ say.Words }

func (e *UnclearError) Error() string { return e.What }

// Todo is the hint, for package say.
func (e *UnclearError) Todo() string { return e.Hint }

// Certain is See for who needs an answer: a key that halted, or of which nobody
// can tell, is a HaltError or an UnclearError.
func (h *Host) Certain(ctx context.Context, k *fleet.Key, ask engine.Ask) (engine.Result, error) {
	r, err := See(ctx, h.Look(), k, ask)
	switch {
	case err != nil:
		return r, err
	case r.Step.Do == rotation.Halt:
		return r, Halted(k, r.Step.Why)
	case r.Step.Why.Code == rotation.StaleRead:
		return r, &UnclearError{say.Unclear(r.Step, k.Subject(), h.Now())}
	}
	return r, nil
}
