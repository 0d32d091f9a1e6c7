package ops

import (
	"context"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Leaving is what rotate wrote to a place that is no output of a key any more.
type Leaving struct {
	Key   *fleet.Key
	Place string // as status shows it

	forms []keyset.Output
	host  *Host
}

// Left finds what is left of a key at a place. A place that the config still
// names, or that rotate did not write to, is refused.
func (h *Host) Left(ctx context.Context, k *fleet.Key, place string) (*Leaving, error) {
	set, err := h.Keyset(ctx, k)
	if err != nil {
		return nil, err
	}
	t := &Leaving{Key: k, Place: k.AsShown(set, place), host: h}
	if k.Writes(t.Place) {
		return nil, refuse(say.StillAnOutput(k.Name))
	}
	if t.forms = k.Written(set, t.Place); len(t.forms) == 0 {
		var known []string
		for _, o := range set.Outputs {
			known = append(known, o.Name)
		}
		return nil, refuse(say.NeverWritten(k.Name, known))
	}
	return t, nil
}

// Forget removes it, and drops the place from the document.
func (t *Leaving) Forget(ctx context.Context) error {
	t.host.command(t.Key, "rotate forget "+t.Place)
	eng := t.host.Engine()
	for _, o := range t.forms {
		out, err := t.Key.OpenWritten(ctx, o)
		if err != nil {
			return err
		}
		r, err := eng.Forget(ctx, t.Key.Target, out)
		switch {
		case err != nil:
			return err
		case r.Step.Do == rotation.Halt:
			return Halted(t.Key, r.Step.Why)
		}
	}
	return nil
}
