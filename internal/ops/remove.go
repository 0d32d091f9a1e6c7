package ops

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// RemoveOptions are how a key is removed.
type RemoveOptions struct {
	In  time.Duration // how long what was signed stays valid; 0 for the grace
	Now bool          // everything is erased at once, whoever still has a token
}

// A Removing is a key that is removed, or is to be; or one whose removal is taken back.
type Removing struct {
	Key    *fleet.Key
	Before *keyset.Set // as it was; nil if it was removed before
	Set    *keyset.Set // as it is now, in a dry run as it would be; nil if nothing is left
	Marker *keyset.Set // what it has left, once it is removed
	Bare   []string    // outputs whose readers are shown a key, and cannot tell that it is not to sign
	Last   engine.Result
	Dry    bool

	host    *Host
	removal keyset.Removal
}

// Remove prepares the removal of a key, and changes nothing. A time in which tokens may still be valid is refused as
// too short.
func (h *Host) Remove(ctx context.Context, k *fleet.Key, o RemoveOptions) (*Removing, error) {
	least := k.Policy.TokenTTL
	if least == 0 {
		least = k.Policy.LongestToken()
	}
	if o.In == 0 {
		o.In = max(k.Policy.Grace, least)
	}
	if !o.Now && o.In < least {
		return nil, refuse(say.RemovedTooSoon(o.In, least, k.Policy.TokenTTL > 0))
	}
	d := &Removing{Key: k, host: h, removal: keyset.Removal{For: o.In, Now: o.Now, By: h.Actor}}
	if o.Now {
		d.removal.For = 0
	}
	return d, d.look(ctx)
}

// Restoring prepares to take a removal back, and changes nothing.
func (h *Host) Restoring(ctx context.Context, k *fleet.Key) (*Removing, error) {
	d := &Removing{Key: k, host: h}
	return d, d.look(ctx)
}

// look reads the key, and works out what it would be.
func (d *Removing) look(ctx context.Context) error {
	r, err := d.host.Certain(ctx, d.Key, engine.Ask{})
	d.Before, d.Marker, d.Last = r.Set, r.Removed, r
	switch {
	case err != nil:
		return err
	case d.Marker != nil:
		return nil
	case d.Before == nil:
		return say.Failed(say.NoKeyset(d.Key.Name, d.Key.StoreName))
	}
	if d.Before.Signing().Alg.Symmetric() {
		for _, o := range d.Key.Outputs {
			if o.Format != string(format.Keyset) {
				d.Bare = append(d.Bare, o.Name)
			}
		}
	}
	return nil
}

// Try is what would come of the removal, in d.Set.
func (d *Removing) Try() error {
	d.Dry = true
	if d.Before == nil {
		return nil
	}
	set, err := engine.Removed(d.Key.Policy, d.Before, d.removal, d.host.Now())
	if d.Set = set; set == nil {
		d.Set = d.Before
	}
	return err
}

// Begun tells whether the key was being removed when the command came, in the same way.
func (d *Removing) Begun() bool {
	return d.Before != nil && d.Before.Removing != nil && (d.Before.Removing.Now || !d.removal.Now)
}

// Do removes the key: what can be done now is done, and the daemons do the rest.
func (d *Removing) Do(ctx context.Context) error {
	words := "rotate remove --in " + rotation.Duration(d.removal.For).String()
	if d.removal.Now {
		words = "rotate remove --now"
	}
	return d.carry(ctx, words, func(eng *engine.Engine) (engine.Result, error) {
		return eng.Remove(ctx, d.Key.Target, d.removal)
	})
}

// Undo takes a removal back. That its end has come is an error.
func (d *Removing) Undo(ctx context.Context) error {
	if d.Marker != nil {
		return say.Failed(say.NoWayBack(d.Key.Name, rotation.WasRemoved(d.Marker)))
	}
	err := d.carry(ctx, "rotate remove --undo", func(eng *engine.Engine) (engine.Result, error) {
		return eng.Restore(ctx, d.Key.Target, d.host.Actor)
	})
	switch {
	case errors.Is(err, keyset.ErrNoWayBack):
		return say.Failed(say.SignerRevoked(d.Key.Name))
	case err == nil && d.Marker != nil: // it came to its end meanwhile
		return say.Failed(say.NoWayBack(d.Key.Name, rotation.WasRemoved(d.Marker)))
	}
	return err
}

// carry records the command, does it, and makes passes until there is nothing to do at this moment.
func (d *Removing) carry(ctx context.Context, words string, do func(*engine.Engine) (engine.Result, error)) error {
	d.host.command(d.Key, words)
	eng := d.host.Engine()
	r, err := do(eng)
	if err == nil && r.Step.Do != rotation.Halt {
		r, err = d.host.Rest(ctx, eng, d.Key, engine.Ask{})
	}
	switch {
	case err != nil:
		return err
	case r.Step.Do == rotation.Halt:
		return Halted(d.Key, r.Step.Why)
	case r.Set == nil && r.Removed == nil:
		return &UnclearError{say.Unclear(r.Step, d.Key.Subject(), d.host.Now())}
	}
	d.Last, d.Set, d.Marker = r, r.Set, r.Removed
	return nil
}

// Left is the places that could not be cleaned yet.
func (d *Removing) Left() (places []string) {
	if d.Marker == nil {
		return nil
	}
	for _, o := range d.Marker.Outputs {
		if !slices.Contains(places, o.Name) {
			places = append(places, o.Name)
		}
	}
	return places
}
