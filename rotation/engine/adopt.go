package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// ErrManaged says that a keyset exists already, so there is nothing to adopt.
var ErrManaged = errors.New("this key is already managed by rotate")

// Adopt begins a keyset with a key that applications use already. It signs and
// verifies on unchanged. weak, if not "", says that it should not stay: then a
// rotation away from it is on record from the start, in that name. It stands in
// the document, so it must not tell a guesser more. Adopting the same key
// again changes nothing; where another keyset exists the error is ErrManaged.
func (e *Engine) Adopt(ctx context.Context, t Target, k keyset.Key, weak string) (Result, error) {
	p := e.begin(t, Ask{})
	return p.end(adopt(ctx, p, k, weak))
}

func adopt(ctx context.Context, p *pass, k keyset.Key, weak string) error {
	if stop, err := p.read(ctx); stop || err != nil {
		return err
	}
	if p.result.Set == nil && p.remembered(ctx) {
		if stop, err := p.read(ctx); stop || err != nil {
			return err
		}
	}
	if p.result.Set == nil {
		if err := adoptFirst(ctx, p, k, weak); err != nil {
			return err
		}
		if stop, err := p.read(ctx); stop || err != nil {
			return err
		}
		if err := p.resolve(); err != nil {
			return err
		}
	}
	switch set := p.result.Set; {
	case set == nil:
		return fmt.Errorf("the store does not hold what was written to it: %w", providers.ErrUnavailable)
	case !set.Signing().SameMaterial(k):
		return ErrManaged
	}
	p.result.Step = rotation.Step{Do: rotation.Wait, Why: rotation.Reason{Code: rotation.AdoptedNow}}
	return nil
}

func adoptFirst(ctx context.Context, p *pass, k keyset.Key, weak string) error {
	step := rotation.Step{Do: rotation.Create, At: p.e.Clock().Wall, Why: rotation.Reason{Code: rotation.AdoptedKey}}
	set, err := keyset.Create(p.t.Name, p.t.Environment, p.e.NewID(), k, step.At)
	if err != nil {
		return err
	}
	if weak != "" {
		if set, err = set.With(keyset.UnnamedRequest(k.Kid, weak), step.At); err != nil {
			return err
		}
	}
	return p.commit(ctx, set, step)
}
