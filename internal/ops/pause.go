package ops

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Held is a key that was paused or resumed, or in a dry run would be.
type Held struct {
	Key *fleet.Key
	Set *keyset.Set   // as it is now; in a dry run as it would be
	Was *keyset.Pause // that was in force before; nil if none was
	Dry bool
}

// Outlook is the dates of the keyset.
func (d *Held) Outlook() rotation.Outlook { return d.Key.Outlook(d.Set) }

// Pause keeps a key from being rotated until a time.
func (h *Host) Pause(ctx context.Context, k *fleet.Key, until time.Time, reason string, dry bool) (*Held, error) {
	pause := keyset.Pause{Until: until, By: h.Actor, Reason: reason}
	return h.hold(ctx, k, dry, "rotate pause --until "+say.Plain(until),
		func(set *keyset.Set, now time.Time) (*keyset.Set, error) { return set.Pause(pause, now) },
		func(eng *engine.Engine) (engine.Result, error) { return eng.Pause(ctx, k.Target, pause) })
}

// Resume ends the pause of a key, if there is one.
func (h *Host) Resume(ctx context.Context, k *fleet.Key, dry bool) (*Held, error) {
	return h.hold(ctx, k, dry, "rotate resume",
		func(set *keyset.Set, now time.Time) (*keyset.Set, error) { return set.Resume(now) },
		func(eng *engine.Engine) (engine.Result, error) { return eng.Resume(ctx, k.Target, h.Actor) })
}

// hold does what a person has decided about a key, or what would be in a dry run.
func (h *Host) hold(ctx context.Context, k *fleet.Key, dry bool, words string,
	try func(*keyset.Set, time.Time) (*keyset.Set, error), do func(*engine.Engine) (engine.Result, error),
) (*Held, error) {
	set, err := h.Keyset(ctx, k)
	if err != nil {
		return nil, err
	}
	if set.Removing != nil {
		return nil, say.Failed(say.BeingRemoved(k.Name))
	}
	d := &Held{Key: k, Dry: dry}
	if !set.Paused.Over(h.Now()) {
		d.Was = set.Paused
	}
	if dry {
		d.Set, err = try(set, h.Now())
		return d, err
	}
	h.command(k, words)
	r, err := do(h.Engine())
	switch {
	case err != nil:
		return nil, err
	case r.Step.Do == rotation.Halt:
		return nil, Halted(k, r.Step.Why)
	case r.Set == nil:
		return nil, &UnclearError{say.Unclear(r.Step, k.Subject(), h.Now())}
	}
	d.Set = r.Set
	return d, nil
}
