package engine

import (
	"context"
	"errors"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var (
	errNoKeyset    = errors.New("there is no keyset")
	errOthersWrite = errors.New("other writers were faster each time; call it again")
)

// An amendment makes the document that a person wants of the one that was read; nil if that is as
// wanted already.
type amendment func(set *keyset.Set, at time.Time) (*keyset.Set, error)

// amend writes what a person wants of a document that the pass has read, until it is so.
func amend(ctx context.Context, p *pass, step rotation.Step, make amendment) error {
	for range maxRounds {
		switch {
		case p.removed != nil:
			return nil // it came to its end meanwhile; the Result has what is left
		case p.result.Set == nil:
			return errNoKeyset
		}
		step.At = p.clock().Early()
		step.Kid = p.result.Set.Signing().Kid
		set, err := make(p.result.Set, step.At)
		if set == nil || err != nil {
			return err
		}
		if err := p.commit(ctx, set, step); err != nil {
			return err
		}
		if stop, err := p.read(ctx); stop || err != nil {
			return err
		}
		if err := p.resolve(); err != nil {
			return err
		}
	}
	return errOthersWrite
}

// Pause puts a pause on record from now on, in place of one that stands there, unless that
// says the same. It ends at most keyset.MaxPause from now. The Result has the document as it is
// then.
func (e *Engine) Pause(ctx context.Context, t Target, pause keyset.Pause) (Result, error) {
	pause.Until = pause.Until.UTC().Truncate(time.Second)
	why := rotation.Reason{Code: rotation.PausedBy, At: pause.Until, Whose: pause.By, Cause: pause.Reason}
	return e.decide(ctx, t, rotation.Step{Do: rotation.Pause, Why: why}, func(set *keyset.Set, at time.Time) (*keyset.Set, error) {
		if now := set.Paused; now != nil && now.By == pause.By && now.Reason == pause.Reason && now.Until.Equal(pause.Until) {
			return nil, nil
		}
		if latest := at.Truncate(time.Second).Add(keyset.MaxPause); pause.Until.After(latest) { // this host's clock is ahead of the store's
			pause.Until = latest
		}
		return set.Pause(pause, at)
	})
}

// Resume takes a pause away. Where there is none, nothing is written.
func (e *Engine) Resume(ctx context.Context, t Target, by string) (Result, error) {
	why := rotation.Reason{Code: rotation.ResumedBy, Whose: by}
	return e.decide(ctx, t, rotation.Step{Do: rotation.Resume, Why: why}, func(set *keyset.Set, at time.Time) (*keyset.Set, error) {
		if set.Paused == nil {
			return nil, nil
		}
		return set.Resume(at)
	})
}

// decide carries out what a person has decided about a document, if it can be trusted.
func (e *Engine) decide(ctx context.Context, t Target, step rotation.Step, make amendment) (Result, error) {
	p := e.begin(t, Ask{})
	stop, err := p.read(ctx)
	if !stop && err == nil && p.removed == nil {
		err = amend(ctx, p, step, make)
	}
	return p.end(err)
}
