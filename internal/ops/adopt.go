package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// AdoptOptions say what a value is adopted as.
type AdoptOptions struct {
	Algorithm keyset.Algorithm // what it is used with; "" for that of the config
	Kid       string           // that tokens carry today; "" if they carry none
	DryRun    bool
}

// An Adopted key is one that applications used already.
type Adopted struct {
	Key    *fleet.Key
	Taken  keygen.Adoption
	Result engine.Result
	Asked  string // the kid that was asked for; "" if none was
	Dry    bool
}

// Adopt takes a value in as the key that signs. where says for people where the
// value is from. The outcome comes with an error, too, if the value could be read.
func (h *Host) Adopt(ctx context.Context, k *fleet.Key, value []byte, where string, o AdoptOptions) (*Adopted, error) {
	spec := k.Spec
	spec.Algorithm = cmp.Or(o.Algorithm, spec.Algorithm)
	taken, err := keygen.Adopt(spec, value, o.Kid)
	if err != nil {
		return nil, fmt.Errorf("key %s: %s cannot be adopted: %w; nothing was changed", k.Name, where, err)
	}
	a := &Adopted{Key: k, Taken: taken, Asked: o.Kid, Dry: o.DryRun}
	if o.DryRun {
		a.Result, err = h.wouldAdopt(ctx, k, taken.Key)
	} else {
		h.command(k, "rotate adopt")
		weak := ""
		if len(taken.Weak) > 0 {
			weak = status.WeakAsker
		}
		a.Result, err = h.Engine().Adopt(ctx, k.Target, taken.Key, weak)
	}
	switch {
	case errors.Is(err, engine.ErrManaged):
		return a, say.Hint(err, "rotate status "+k.Name+" shows it. To begin with another secret, use a new key name, or another `secret:` in the config")
	case err != nil:
		return a, err
	case a.Result.Step.Do == rotation.Halt:
		return a, Halted(k, a.Result.Step.Why)
	}
	return a, nil
}

// wouldAdopt finds what would keep the key from being adopted.
func (h *Host) wouldAdopt(ctx context.Context, k *fleet.Key, taken keyset.Key) (engine.Result, error) {
	r, err := h.Certain(ctx, k, engine.Ask{})
	if err == nil && r.Set != nil && !r.Set.Signing().SameMaterial(taken) {
		err = fmt.Errorf("key %s, store %s: %w: kid %s signs", k.Name, k.StoreName, engine.ErrManaged, r.Set.Signing().Kid)
	}
	return r, err
}

// Successor is the algorithm of the key that will follow, if that is another one;
// "" if it is not.
func (a *Adopted) Successor() keyset.Algorithm {
	if made := cmp.Or(a.Key.Spec.Algorithm, keyset.HS256); made != a.Taken.Key.Alg {
		return made
	}
	return ""
}
