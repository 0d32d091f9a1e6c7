package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// ErrRemoved says that a key was removed, so that there is nothing to do it to.
var ErrRemoved = errors.New("the key was removed; only its marker stands there")

// errUnnamedPlace is of a place that nothing can open any more.
var errUnnamedPlace = errors.New("no config names it any more")

// Remove begins to remove a key, or makes a removal wait for nobody any more if r says Now. What is removed
// already, or on its way, stays as it is. The passes that follow bring it to its end. The Result has the
// document as it is then, or what the key has left.
func (e *Engine) Remove(ctx context.Context, t Target, r keyset.Removal) (Result, error) {
	why := rotation.Reason{Code: rotation.RemovedBy, Whose: r.By}
	return e.decide(ctx, t, rotation.Step{Do: rotation.Remove, Why: why}, func(set *keyset.Set, at time.Time) (*keyset.Set, error) {
		return Removed(t.Policy, set, r, at)
	})
}

// Removed is what Remove makes of a document; nil if it is so already.
func Removed(p rotation.Policy, set *keyset.Set, r keyset.Removal, at time.Time) (*keyset.Set, error) {
	switch is := set.Removing; {
	case is != nil && r.Now && !is.Now:
		return set.Hasten(r.By, at)
	case is != nil:
		return nil, nil
	case r.Now:
		return set.Remove(r, at, at)
	}
	end := rotation.Outlook{Policy: p, Set: set}.RemovalEnd(at, r.For)
	r.For += p.Propagation + p.Skew() // who reads the end last signs until then
	return set.Remove(r, end, at)
}

// Restore takes a removal back that has not come to its end. Where none is under way, nothing is written.
func (e *Engine) Restore(ctx context.Context, t Target, by string) (Result, error) {
	why := rotation.Reason{Code: rotation.RestoredBy, Whose: by}
	return e.decide(ctx, t, rotation.Step{Do: rotation.Restore, Why: why}, func(set *keyset.Set, at time.Time) (*keyset.Set, error) {
		if set.Removing == nil {
			return nil, nil
		}
		return set.Restore(at)
	})
}

// buried takes in that the head is what a key has left that was removed.
func (p *pass) buried(marker *keyset.Set) {
	p.removed = marker
	p.e.remember(p.t.place(), func(m *memory) {
		m.saw(marker, p.e.Clock().Wall)
		m.newest.Removed = m.newest.Lineage == marker.Lineage && m.newest.Generation == marker.Generation
		p.e.claims.drop(m.claim)
		m.claim = nil
	})
}

// clear erases what is left of a key that was removed: earlier revisions in the store, and every place that the
// marker remembers. Then it notes that, and how gone each kid is. wrote tells that the marker was written, and has to be
// read again. What cannot be erased stays on record, raises an alarm, and is tried again by the next pass.
func (p *pass) clear(ctx context.Context) (wrote bool, err error) {
	w := &sweeper{e: p.e, policy: p.t.Policy, set: p.removed, clock: p.clock(), tell: p.told.tellOf}
	own := dirty{place: p.t.place(), at: rotation.Place{Content: rotation.Documents}, store: p.t.Store, head: p.head.ID}
	places := []rotation.Place{w.sweepOnce(ctx, own)}
	failed := map[string]bool{} // one place may stand there in two forms
	for _, o := range append(slices.Clone(p.removed.Outputs), p.late(ctx)...) {
		out, err := p.cleanWithin(ctx, o)
		if err != nil {
			w.fail(dirty{at: rotation.Place{Name: o.Name}}, err)
			failed[o.Name] = true
			continue
		}
		at := rotation.Place{Name: o.Name, Content: out.content(), Erases: string(out.Store.Traits().Erases)}
		d := dirty{place: p.t.outputPlace(out), at: at}
		at.Erased = w.weaker(d, w.clock.Early())
		places = append(places, at)
	}
	p.result.Left, p.result.Traces, p.alarms = w.left, rotation.Traces(w.clock.Wall, p.removed, places), w.alarms
	p.e.remember(p.t.place(), func(m *memory) { m.traces, m.traced = p.result.Traces, w.clock.Early() })
	return p.cleared(ctx, failed)
}

// cleared notes which places were cleaned, and how gone each kid was found to be, if either is news.
func (p *pass) cleared(ctx context.Context, failed map[string]bool) (wrote bool, err error) {
	set, step := p.removed, rotation.Step{Do: rotation.Bury, Why: rotation.WasRemoved(p.removed)}
	var names []string
	for _, o := range set.Outputs {
		if !failed[o.Name] && !slices.Contains(names, o.Name) {
			names = append(names, o.Name)
		}
	}
	news := len(names) > 0
	if news {
		step = rotation.Step{Do: forgetAction, Why: rotation.Reason{Code: rotation.PlaceCleaned, Output: strings.Join(names, ", ")}}
	}
	p.e.remember(p.t.place(), func(m *memory) { news = news || m.observed(set) != set })
	if !news {
		return false, nil
	}
	if set, err = set.Forget(p.clock().Early(), names...); err != nil {
		return false, err
	}
	return true, p.commit(ctx, set, step)
}

// late is the outputs that show the key although they were cleaned: another process had read the document before its
// end, and wrote when it was over.
func (p *pass) late(ctx context.Context) (all []keyset.Output) {
	recorded := written(p.t)
	for i, got := range p.outputs.read(ctx) {
		shown := got.err == nil && got.rev.ID != "" && got.rev.Note.Lineage == p.removed.Lineage && string(got.rev.Value.Reveal()) != tombstone
		if shown && !remembers(p.removed, got.name) {
			all = append(all, recorded[i])
		}
	}
	return all
}

// cleanWithin opens and cleans an output, in the time that one has.
func (p *pass) cleanWithin(ctx context.Context, o keyset.Output) (Output, error) {
	limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
	defer cancel()
	out, err := p.open(limited, o)
	if err != nil {
		return out, err
	}
	return out, clean(limited, p, p.removed, out)
}

// open finds the output that a document remembers, in the config or, once that has it no more, by what is noted of it.
func (p *pass) open(ctx context.Context, o keyset.Output) (Output, error) {
	i := slices.IndexFunc(p.t.Outputs, func(c Output) bool {
		return c.Name == o.Name && c.Format == o.Format && slices.Equal(c.Variables, o.Variables)
	})
	switch {
	case i >= 0:
		return p.t.Outputs[i], nil
	case p.t.Reopen == nil:
		return Output{}, errUnnamedPlace
	}
	return p.t.Reopen(ctx, o)
}
