package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Past is what one place of a target showed of its past.
type Past struct {
	rotation.Place
	Secret    string
	Traits    providers.Traits
	Revisions []providers.Revision // its History; nil where it was not asked for
	Err       error                // why it could not be listed
}

// Past lists what can still be read in the place of a keyset and in its outputs,
// the key's own secret first. r is what a Look or a Pass has just returned. It
// changes nothing.
//
// It does not ask an output if nothing depends on the answer: the store keeps no replaced value, or the document notes
// how gone every removed key is. With all it asks each one.
func (e *Engine) Past(ctx context.Context, t Target, r Result, all bool) []Past {
	pasts := make([]Past, 1+len(t.Outputs))
	if r.Removed != nil { // the marker remembers the places that are left
		t.Outputs, pasts = nil, pasts[:1]
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		pasts[0] = list(ctx, t.Store, Past{Place: rotation.Place{Content: rotation.Documents}, Secret: t.Secret}, false)
	})
	for i, o := range t.Outputs {
		behind := true // until it is known to be up to date
		for _, seen := range r.Outputs {
			behind = behind && (seen.Name != o.Name || !seen.Behind.IsZero())
		}
		past := Past{Place: rotation.Place{Name: o.Name, Content: o.content()}, Secret: o.Secret}
		wg.Go(func() {
			limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
			defer cancel()
			traits := o.Store.Traits()
			switch {
			case r.Set == nil: // nothing is known of it that the answer could be held against
				past.Traits, past.Unseen = traits, true
			case all || behind || unnoted(r.Set) && !traits.OneValue:
				past = list(limited, o.Store, past, behind)
				past.Unseen = past.Unseen || behind && past.Head != nil && past.Head.Lineage != r.Set.Lineage
			default:
				past.Traits, past.Erases = traits, string(traits.Erases)
				past.Unseen = !traits.OneValue
			}
			pasts[i+1] = past
		})
	}
	wg.Wait()
	return pasts
}

// unnoted tells whether the document lacks a note of how gone a key is.
func unnoted(set *keyset.Set) bool {
	return slices.ContainsFunc(set.Gone, func(g keyset.Gone) bool { return !g.Observed() })
}

// content is what an output's values are made of.
func (o Output) content() rotation.Content {
	if o.OneKey {
		return rotation.OneKey
	}
	return rotation.Renderings
}

// list fills in what a store's History tells of a place. Where the place is
// behind, what it shows now is of interest, too.
func list(ctx context.Context, s providers.Store, at Past, behind bool) (p Past) {
	p = at
	defer func() {
		p.Traits = s.Traits() // known once the store is open
		p.Erases, p.Unseen = string(p.Traits.Erases), p.Err != nil
	}()
	defer bug.Catch(&p.Err)
	p.Revisions, p.Err = s.History(ctx, p.Secret)
	if errors.Is(p.Err, providers.ErrNotFound) {
		p.Err = nil
	}
	n := len(p.Revisions)
	if n == 0 {
		return p
	}
	p.Place = p.with(p.Revisions, nil)
	if behind {
		head := revision(p.Content, p.Revisions, n-1)
		p.Head = &head
	}
	return p
}

// with is a place with what its History shows below its last revision, the
// head, and what this process erased there.
func (p Past) with(revs []providers.Revision, erased []rotation.Erasure) rotation.Place {
	at := p.Place
	at.Readable, at.Erased = nil, slices.Clone(erased)
	for i := range revs[:len(revs)-1] {
		at.Readable = append(at.Readable, revision(at.Content, revs, i))
	}
	for _, e := range revs[len(revs)-1].Weaker {
		at.Erased = append(at.Erased, erasure(at.Content, e))
	}
	return at
}

// revision is one of a History in the terms of the rules.
func revision(c rotation.Content, revs []providers.Revision, i int) rotation.Revision {
	r := noted(c, revs[i].Note)
	r.Replaced = revs[min(i+1, len(revs)-1)].Created
	return r
}

func noted(c rotation.Content, n providers.Note) rotation.Revision {
	r := rotation.Revision{Lineage: n.Lineage, Generation: n.Generation}
	if c == rotation.OneKey {
		r.Holds = n.Digest
	}
	return r
}

func erasure(c rotation.Content, e providers.Erased) rotation.Erasure {
	return rotation.Erasure{Revision: noted(c, e.Note), How: string(e.How), Until: e.Until}
}

// Places is what the rules need of pasts.
func Places(pasts []Past) (all []rotation.Place) {
	for _, p := range pasts {
		all = append(all, p.Place)
	}
	return all
}
