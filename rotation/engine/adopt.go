package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// ErrManaged says that a keyset exists already, so there is nothing to adopt.
var ErrManaged = errors.New("this key is already managed by rotate")

// ErrOthers says that a keyset exists already. The key to adopt signs in it,
// but it lacks some of the keys that should verify.
var ErrOthers = errors.New("this key is already managed by rotate and signs with the same key, but not all of the others are in its keyset")

// Adopt begins a keyset with keys that applications use already. The first one signs and verifies on unchanged; the
// others only verify, for the time that is given, or for the grace if it is 0. weak, if not "", says who wants the
// first key replaced. The document then begins with a request to rotate away from it. That name stands in the
// document, so it must not help a guesser.
//
// A second adoption of the same keys changes nothing. The error is ErrManaged if another keyset exists, and ErrOthers
// if only the keys that verify differ. A time longer than keyset.MaxUntil is keyset.ErrDates.
func (e *Engine) Adopt(ctx context.Context, t Target, keys []keyset.Key, verify time.Duration, weak string) (Result, error) {
	p := e.begin(t, Ask{})
	return p.end(adopt(ctx, p, keys, verify, weak))
}

func adopt(ctx context.Context, p *pass, keys []keyset.Key, verify time.Duration, weak string) error {
	if stop, err := p.read(ctx); stop || err != nil {
		return err
	}
	if p.removed != nil {
		return ErrRemoved
	}
	if p.result.Set == nil && p.remembered(ctx) {
		if stop, err := p.read(ctx); stop || err != nil {
			return err
		}
	}
	if p.result.Set == nil {
		if err := adoptFirst(ctx, p, keys, verify, weak); err != nil {
			return err
		}
		if stop, err := p.read(ctx); stop || err != nil {
			return err
		}
		if err := p.resolve(); err != nil {
			return err
		}
	}
	if p.result.Set == nil {
		return fmt.Errorf("the store does not hold what was written to it: %w", providers.ErrUnavailable)
	}
	if err := Holds(p.result.Set, keys); err != nil {
		return err
	}
	p.result.Step = rotation.Step{Do: rotation.Wait, Why: rotation.Reason{Code: rotation.AdoptedNow}}
	return nil
}

// Holds reports whether a set is what came of the adoption of keys: nil if the
// first one signs in it and the others are in it or were removed from it, else
// ErrManaged or ErrOthers.
func Holds(set *keyset.Set, keys []keyset.Key) error {
	if !set.Signing().SameMaterial(keys[0]) {
		return ErrManaged
	}
	for _, k := range keys[1:] {
		live := slices.ContainsFunc(set.Keys, k.SameMaterial)
		gone := slices.ContainsFunc(set.Gone, func(g keyset.Gone) bool { return g.Kid == k.Kid })
		if !live && !gone {
			return ErrOthers
		}
	}
	return nil
}

func adoptFirst(ctx context.Context, p *pass, keys []keyset.Key, verify time.Duration, weak string) error {
	step := rotation.Step{Do: rotation.Create, At: p.e.Clock().Wall, Why: rotation.Reason{Code: rotation.AdoptedKey}}
	var until time.Time
	if verify > 0 {
		until = step.At.Add(verify)
	}
	set, err := keyset.Adopt(p.t.Name, p.t.Environment, p.e.NewID(), keys, step.At, until)
	if err != nil {
		return err
	}
	if weak != "" {
		if set, err = set.With(keyset.UnnamedRequest(set.Signing().Kid, weak), step.At); err != nil {
			return err
		}
	}
	return p.commit(ctx, set, step)
}
