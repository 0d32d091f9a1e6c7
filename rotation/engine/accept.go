package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Restored is a document that is older than what a witness remembers, and
// what is known of the time in between.
type Restored struct {
	Set       *keyset.Set        // what the store holds
	Witnesses []rotation.Witness // who remembers something newer, the newest first; empty if nobody does

	// Newer is the newest keyset that an output still shows, and In that output's name; nil where none can be read.
	// Without it nobody can tell which keys were deleted, or reported as compromised, after Set was written.
	Newer *keyset.Set
	In    string

	// Revoked is every kid that one of the outputs knows as compromised, Newer's or
	// another's. They are never accepted again.
	Revoked []string
}

// Notes tells that only notes of what was seen are missing, and no key: nobody
// remembers another generation, or shows other keys.
func (r Restored) Notes() bool {
	return r.Newer == nil && !slices.ContainsFunc(r.Witnesses, func(w rotation.Witness) bool { return w.Generation != r.Set.Generation })
}

// ErrNotRestored says that there is nothing to accept.
var ErrNotRestored = errors.New("no witness contradicts what the store holds")

// ErrOtherGeneration says that the document is not the one that was looked at.
var ErrOtherGeneration = errors.New("the store holds another generation than was named")

// Restored finds out what Accept would go on from. If the key has halted for
// another reason than the document's age, the result halts, too: nobody can
// accept an edited document, or that of another key.
func (e *Engine) Restored(ctx context.Context, t Target) (Restored, Result, error) {
	p := e.begin(t, Ask{})
	p.readOnly = true
	found, err := restored(ctx, p)
	result, err := p.end(err)
	return found, result, err
}

// Accept makes the document of this generation the truth again. Its successor gets a higher generation than any
// witness remembers, and counts as the successor of all of them. revoke names keys that must not come back to life.
// Keys that a witness knows as compromised never do. The outputs follow at the next pass.
func (e *Engine) Accept(ctx context.Context, t Target, generation uint64, revoke []string) (Result, error) {
	p := e.begin(t, Ask{})
	return p.end(accept(ctx, p, generation, revoke))
}

func accept(ctx context.Context, p *pass, generation uint64, revoke []string) error {
	found, err := restored(ctx, p)
	switch {
	case err != nil || p.result.Step.Do == rotation.Halt:
		return err
	case len(found.Witnesses) == 0:
		return ErrNotRestored
	// guard 6: only the generation that was looked at is accepted
	case found.Set.Generation != generation:
		return fmt.Errorf("%w: %d, not %d", ErrOtherGeneration, found.Set.Generation, generation)
	}
	fresh, err := p.t.Generate()
	if err != nil {
		return err
	}
	// guard 6: what an output knows as revoked is not accepted
	kids := slices.Concat(revoke, found.Revoked)
	step := rotation.Step{Do: rotation.Accept, Kid: found.Set.Signing().Kid, At: p.e.Clock().Wall}
	if !p.head.Service.IsZero() {
		step.At = p.head.Service
	}
	set, err := found.Set.Accept(found.Witnesses[0].Generation, kids, &fresh, step.At)
	if err != nil {
		return err
	}
	over := found.Witnesses[0]
	step.Why = rotation.Reason{Code: rotation.AcceptedOver, Have: generation, Want: over.Generation, Whose: over.Whose, Output: over.Output}
	if err := p.commit(ctx, set, step); err != nil {
		return err
	}
	return accepted(ctx, p)
}

// accepted reads back what came of it.
func accepted(ctx context.Context, p *pass) error {
	stop, err := p.read(ctx)
	if err != nil || stop {
		return err
	}
	if err := p.resolve(); err != nil {
		return err
	}
	p.result.Step = rotation.Step{Do: rotation.Wait, At: p.e.Clock().Wall, Why: rotation.Reason{Code: rotation.AcceptedNow}}
	return nil
}

// restored reads the head and asks every witness. If anything but its age is
// wrong with the head, it halts the pass.
func restored(ctx context.Context, p *pass) (Restored, error) {
	p.trust.Restoring = true
	defer func() { p.trust.Restoring = false }()
	stop, err := p.read(ctx)
	switch {
	case err != nil || stop:
		return Restored{}, err
	case p.removed != nil:
		return Restored{}, ErrNotRestored
	case p.result.Set == nil && p.remembered(ctx): // the witnesses that are not asked otherwise
		p.e.remember(p.t.place(), func(m *memory) { p.known = *m })
		p.halt(p.trust.Nothing(p.known.newest))
		return Restored{}, nil
	case p.result.Set == nil:
		return Restored{}, ErrNotRestored
	}
	found := Restored{Set: p.result.Set}
	add := func(w rotation.Witness) {
		if w.Lineage == found.Set.Lineage && w.Contradicts(found.Set) {
			found.Witnesses = append(found.Witnesses, w)
		}
	}
	add(witness(rotation.TheStore, p.head.Witness))
	add(p.known.newest)
	for _, got := range p.outputs.read(ctx) {
		if got.err != nil && !errors.Is(got.err, providers.ErrNotFound) {
			return Restored{}, fmt.Errorf("output %s may remember a newer generation, and cannot be asked: %w", got.name, got.err)
		}
		if got.rev.Note.Generation > found.Set.Generation {
			add(got.witness)
		}
		found.learn(got)
	}
	slices.SortStableFunc(found.Witnesses, func(a, b rotation.Witness) int { return cmp.Compare(b.Generation, a.Generation) })
	return found, nil
}

// learn takes in what an output shows of the time after Set.
func (r *Restored) learn(got held) {
	newer, err := keyset.Parse(bytes.TrimSpace(got.rev.Value.Reveal()))
	if err != nil || newer.Lineage != r.Set.Lineage || newer.Generation < r.Set.Generation || newer.Generation == r.Set.Generation && sameKeys(newer, r.Set) {
		return
	}
	if r.Newer == nil || newer.Generation > r.Newer.Generation {
		r.Newer, r.In = newer, got.name
	}
	for _, kid := range newer.Revoked {
		if !slices.Contains(r.Revoked, kid) {
			r.Revoked = append(r.Revoked, kid)
		}
	}
}

// sameKeys tells whether two keysets have the same keys in the same places. Two
// of the same generation do, unless there was a fork.
func sameKeys(a, b *keyset.Set) bool {
	return slices.EqualFunc(a.Keys, b.Keys, func(x, y keyset.Key) bool { return x.Kid == y.Kid && x.Status == y.Status })
}
