package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// An attempt is a write whose outcome is not known until the head is read.
type attempt struct {
	set    *keyset.Set // as it would be read back
	base   providers.RevisionID
	events []Event
	err    error
}

// apply carries out a step: the new document, written only if the head is still
// the one that the step was planned on.
func (p *pass) apply(ctx context.Context, step rotation.Step) error {
	base := p.result.Set
	set, err := p.change(base, step)
	if err != nil {
		return fmt.Errorf("%s: %w", step.Do, err)
	}
	if set, err = takeRequest(p.ask, base, set, step); err != nil {
		return fmt.Errorf("%s: %w", step.Do, err)
	}
	return p.commit(ctx, set, step)
}

// commit writes a document if the head is still the one that was read.
func (p *pass) commit(ctx context.Context, set *keyset.Set, step rotation.Step) error {
	var err error
	if set.Removed == nil {
		if set, err = set.WithOutputs(written(p.t)); err != nil {
			return fmt.Errorf("%s: %w", step.Do, err)
		}
	}
	p.e.remember(p.t.place(), func(m *memory) { set = m.observed(set) })
	set, doc, err := set.Encode(string(p.head.ID), p.e.NewID())
	if err != nil {
		return fmt.Errorf("%s: %w", step.Do, err)
	}
	note := noteOf(set)
	events := p.told.events(p.result.Set, set, step)

	// guard 5: a write goes on from what was read
	_, err = p.t.Store.Write(ctx, p.t.Secret, doc, p.head.ID, note)
	switch {
	case err == nil:
		p.saw(set)
		p.e.remember(p.t.place(), func(m *memory) { m.marked(set, step.Do) })
		p.told.tell(events)
		return nil
	// guard 10: a lost race is planned anew
	case errors.Is(err, providers.ErrConflict):
		p.lost++
		return nil // someone was faster: read what they did, and decide anew
	case errors.Is(err, providers.ErrUnclear):
		p.pending = &attempt{set: set, base: p.head.ID, events: events, err: err}
		return nil // read before anything else
	}
	return err
}

// observed returns a set that notes how gone each removed key was when this
// process looked last. The note waits for a write that comes anyway.
func (m *memory) observed(set *keyset.Set) *keyset.Set {
	for _, t := range m.traces {
		if len(t.Places) == 0 || t.How == rotation.NotYet || t.How == rotation.CannotTell {
			continue // nothing was found, or it was read in the document
		}
		for _, g := range set.Gone {
			// guard 4: how gone a key was seen to be is noted for that removal alone
			if g.Kid == t.Kid && g.Generation == t.Generation {
				set = set.Observe(g.Kid, t.How, m.traced, t.Until)
			}
		}
	}
	return set
}

// noteOf is what a store keeps beside a document, or a rendering of it.
func noteOf(set *keyset.Set) providers.Note {
	return providers.Note{Lineage: set.Lineage, Generation: set.Generation, Digest: set.Digest}
}

// change makes the document that a step asks for.
func (p *pass) change(s *keyset.Set, step rotation.Step) (*keyset.Set, error) {
	t, ask := p.t, p.ask
	switch step.Do {
	case rotation.Create:
		k, err := t.Generate()
		if err != nil {
			return nil, err
		}
		if p.removed != nil {
			return p.removed.Again(t.Name, t.Environment, p.e.NewID(), k, step.At)
		}
		return keyset.Create(t.Name, t.Environment, p.e.NewID(), k, step.At)
	case rotation.Publish:
		k, err := t.Generate()
		if err != nil {
			return nil, err
		}
		return s.Publish(k, step.At)
	case rotation.MarkReady:
		return s.MarkReady(step.At, step.Places)
	case rotation.Promote:
		return s.Promote(step.At)
	case rotation.MarkSettled:
		return s.MarkSettled(step.At, step.Places, t.Policy.Grace)
	case rotation.Retire:
		return s.Retire(step.Kid, step.At)
	case rotation.Revoke:
		return revoke(t, ask.Revoke, s, step.At)
	case rotation.Bury:
		return s.Bury(ask.Revoke, step.At)
	case rotation.Rename:
		return s.Rename(t.Name, step.At)
	case rotation.Record:
		return s.Record(*ask.request().Rotate, step.At)
	}
	return nil, fmt.Errorf("engine: %q is not a step that can be applied", step.Do)
}

// revoke removes the compromised kids, with a fresh key if current is one.
func revoke(t Target, kids []string, s *keyset.Set, at time.Time) (*keyset.Set, error) {
	fresh, err := t.Generate()
	if err != nil {
		return nil, err
	}
	return s.Revoke(kids, &fresh, at)
}

// takeRequest puts the request on record in the same write as the first step
// that serves it, so that no retry of it can be taken for a new one.
func takeRequest(ask Ask, base, s *keyset.Set, step rotation.Step) (*keyset.Set, error) {
	if step.Do == rotation.Revoke && ask.ID != "" {
		// A full record must not keep a compromised key alive.
		if asked, err := s.With(keyset.NamedRequest(ask.ID, step.Kid, ask.By), step.At); err == nil {
			return asked, nil
		}
		return s, nil
	}
	r := ask.request().Rotate
	if r == nil || step.Do == rotation.Record {
		return s, nil
	}
	if created := step.Do == rotation.Create; created && ask.ID == "" || !created && r.From != base.Signing().Kid {
		return s, nil
	}
	// guard 5: the first write of a request records it
	return s.With(*r, step.At)
}

// resolve finds out what became of a write without a reply. Its value is the head, or an ancestor of the head, or the
// write has not happened yet. In the last case the pass ends, because another write could meet it on the way. The
// conditional write lets at most one of them through.
func (p *pass) resolve() error {
	tried := p.pending
	if tried == nil {
		return nil
	}
	p.pending = nil
	// guard 10: a lost reply is not an error of the pass if the write landed
	if p.head.ID == tried.base {
		return tried.err
	}
	now := cmp.Or(p.result.Set, p.removed)
	if now != nil && (now.Write == tried.set.Write || slices.Contains(now.History, tried.set.Past())) {
		p.told.tell(tried.events)
	}
	return nil
}
