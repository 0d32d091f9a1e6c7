package ops

import (
	"context"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A HaltError is a Halt of the key that an operation is about: nothing was done.
type HaltError struct {
	say.Words
	Code rotation.Code // why
}

// Halted is the error of a key that halted.
func Halted(k *fleet.Key, why rotation.Reason) error {
	return &HaltError{say.Halt(why, k.Subject()), why.Code}
}

func (e *HaltError) Error() string { return e.What }

// Todo is the hint, for package say.
func (e *HaltError) Todo() string { return e.Hint }

// refuse is what cannot be served as it was asked for.
func refuse(w say.Words) error { return usage.New(w.What, w.Hint) }

// maxPasses bounds what one operation does about writers that keep getting in its
// way.
const maxPasses = 100

// maxRaces is how many passes of one command may be lost to other writers, all
// rounds of them.
const maxRaces = 5

// Rest makes passes until there is nothing left to do at this moment. The result
// is that of the last one, with what all of them did. A store that shows less than
// this process has seen is given the time it needs to catch up.
func (h *Host) Rest(ctx context.Context, eng *engine.Engine, k *fleet.Key, ask engine.Ask) (engine.Result, error) {
	var did []engine.Event
	races := 0
	for range maxPasses {
		r, err := eng.Pass(ctx, k.Target, ask)
		did = append(did, r.Did...)
		r.Did = did
		behind, lost := r.Step.Why.Code == rotation.StaleRead, r.Step.Why.Code == rotation.WritersBusy && len(r.Step.Alarms) > 0
		if err != nil || r.Step.Do == rotation.Halt || !behind && (r.Step.At.IsZero() || r.Step.At.After(h.Now())) {
			return r, err
		}
		ask.Away = r.Away
		if lost { // each lost race may cost a version: less and less often, and not for ever
			if races++; races > maxRaces {
				break
			}
			if err := Pause(ctx, time.Second<<races); err != nil {
				return r, err
			}
		}
		if behind {
			if err := Pause(ctx, r.Step.At.Sub(h.Now())); err != nil {
				return r, err
			}
		}
	}
	return engine.Result{Did: did, Away: ask.Away}, say.Failed(say.Busy(k.Name, k.StoreName))
}

// Once is Rest for a process that ends with it: nobody else tells that a compromised
// key is not gone, so that is an alarm of the last step. It costs a look at each
// place, and only while the document tells of such a key.
func (h *Host) Once(ctx context.Context, eng *engine.Engine, k *fleet.Key) (engine.Result, error) {
	r, err := h.Rest(ctx, eng, k, engine.Ask{})
	if err != nil || r.Set == nil || r.Step.Do == rotation.Halt || !tellsRevoked(r.Set) {
		return r, err
	}
	f := Facts(k)
	f.Result, f.Now = r, h.Now()
	f.Past(eng.Past(ctx, k.Target, r, false))
	// guard 4: a process that ends tells of a compromised key that is not gone
	r.Step.Alarms = slices.Concat(r.Step.Alarms, f.NotGone())
	return r, nil
}

// tellsRevoked reports whether one of the removed keys that a document tells of was
// compromised.
func tellsRevoked(set *keyset.Set) bool {
	return slices.ContainsFunc(set.Gone, func(g keyset.Gone) bool { return slices.Contains(set.Revoked, g.Kid) })
}
