package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// AdoptOptions say what a source is adopted as.
type AdoptOptions struct {
	Algorithm keyset.Algorithm // what it is used with; "" for that of the config, or of the source
	Kid       string           // that tokens carry today; "" if they carry none
	Signs     string           // the kid that signs, of a source with several that can
	AsIs      bool             // take the text as it stands, whatever it looks like
	Verify    time.Duration    // how long the keys that do not sign verify; 0 is the grace

	// Passphrase is asked for at most once, and only where a key is encrypted; nil
	// where there is no one to ask.
	Passphrase func() (secret.Text, error)
	DryRun     bool
}

// An Adopted key is one that applications used already, with the others that they
// verify with.
type Adopted struct {
	Key      *fleet.Key
	Source   Source
	Taken    intake.Result
	Verdicts []judge.Result // of Taken.Keys
	Unread   []Outcome[*keyset.Set]
	Outputs  []Hold // those that cannot hold a key, or that some do not read
	Result   engine.Result
	Asked    string        // the kid that was asked for; "" if none was
	Verify   time.Duration // see AdoptOptions
	Dry      bool
}

// Adopt takes a source in as the key that signs and those that verify. others is
// the other keys of the config: no two key pairs may have one kid. A source that
// cannot be taken is a *usage.Error that wraps an *intake.Refusal. The outcome comes
// with an error, too, if the source could be taken.
func (h *Host) Adopt(ctx context.Context, k *fleet.Key, others []*fleet.Key, src Source, o AdoptOptions) (*Adopted, error) {
	if o.Verify < 0 || o.Verify > keyset.MaxUntil {
		return nil, refuse(say.LongUntil())
	}
	a := &Adopted{Key: k, Source: src, Asked: o.Kid, Verify: o.Verify, Dry: o.DryRun}
	if err := a.take(ctx, others, o); err != nil {
		return nil, refused(k, src.Where, err)
	}
	a.judge()
	a.Outputs = holds(k, a.Taken.Keys, h.Now())
	var err error
	if o.DryRun {
		a.Result, err = h.wouldAdopt(ctx, k, a.Taken.Keys)
	} else {
		h.command(k, "rotate adopt")
		weak := ""
		if a.Weak() {
			weak = status.WeakAsker
		}
		a.Result, err = h.Engine().Adopt(ctx, k.Target, a.Taken.Keys, o.Verify, weak)
	}
	switch {
	case errors.Is(err, engine.ErrManaged):
		return a, say.Hint(err, say.AdoptAnother(k.Name, "it. To begin with another secret"))
	case errors.Is(err, engine.ErrOthers):
		return a, say.Hint(err, say.AdoptAnother(k.Name, "which keys verify. To begin with others"))
	case err != nil:
		return a, err
	case a.Result.Step.Do == rotation.Halt:
		return a, Halted(k, a.Result.Step.Why)
	}
	return a, nil
}

// take understands the source.
func (a *Adopted) take(ctx context.Context, others []*fleet.Key, o AdoptOptions) (err error) {
	k, spec := a.Key, a.Key.Spec
	if !k.Chosen {
		spec.Algorithm = ""
	}
	spec.Algorithm = cmp.Or(o.Algorithm, spec.Algorithm)
	kids := kidsOf(others)
	a.Taken, err = intake.Take(a.Source.Read, intake.Ask{
		Field: a.Source.Field, Signs: o.Signs, Kid: o.Kid, AsIs: o.AsIs, Spec: spec, Passphrase: o.Passphrase,
		Taken: func(kid string) string {
			found := kids(ctx)
			a.Unread = found.unread
			return found.pairs[kid]
		},
	})
	return err
}

// refused is why a source is not taken in.
func refused(k *fleet.Key, where string, err error) error {
	var r *intake.Refusal
	if !errors.As(err, &r) {
		return say.Unchanged(fmt.Sprintf("key %s: %s", k.Name, where), err)
	}
	return &usage.Error{Msg: say.NotAdopted(k.Name, where, r), Hint: r.Hint(), Err: r}
}

// wouldAdopt finds what would keep the keys from being adopted.
func (h *Host) wouldAdopt(ctx context.Context, k *fleet.Key, keys []keyset.Key) (engine.Result, error) {
	r, err := h.Certain(ctx, k, engine.Ask{})
	if err == nil && r.Set != nil {
		if err = engine.Holds(r.Set, keys); err != nil {
			err = fmt.Errorf("key %s, store %s: %w: kid %s signs", k.Name, k.StoreName, err, r.Set.Signing().Kid)
		}
	}
	return r, err
}

// Signs is the key that signs, as it was taken.
func (a *Adopted) Signs() keyset.Key { return a.Taken.Keys[0] }

// Successor is the algorithm of the key that will follow, if that is another one;
// "" if it is not.
func (a *Adopted) Successor() keyset.Algorithm {
	if made := cmp.Or(a.Key.Spec.Algorithm, keyset.HS256); made != a.Signs().Alg {
		return made
	}
	return ""
}
