package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// tombstone is what takes a rendering's place where a store cannot remove it:
// nothing that could be taken for a key.
const tombstone = "removed by rotate: this is not a key, and nothing is kept here any more"

// forgetAction is the action of an event that tells of a place that was cleaned.
const forgetAction = "forget"

// Forget cleans a place that no config has an output in any more, and then drops it from the document. It leaves a
// value of another keyset alone, and then the place stays on record. If the process is killed in between, a repeat
// does the rest.
func (e *Engine) Forget(ctx context.Context, t Target, o Output) (Result, error) {
	p := e.begin(t, Ask{})
	return p.end(forget(ctx, p, o))
}

func forget(ctx context.Context, p *pass, o Output) error {
	if stop, err := p.read(ctx); stop || err != nil {
		return err
	}
	if p.result.Set == nil {
		return errNoKeyset
	}
	if err := clean(ctx, p, p.result.Set, o); err != nil {
		return fmt.Errorf("output %s: %w", o.Name, err)
	}
	return amend(ctx, p, rotation.Step{Do: forgetAction, Why: rotation.Reason{Code: rotation.PlaceCleaned, Output: o.Name}}, func(set *keyset.Set, at time.Time) (*keyset.Set, error) {
		if !remembers(set, o.Name) {
			return nil, nil
		}
		return set.Forget(at, o.Name)
	})
}

func remembers(set *keyset.Set, name string) bool {
	for _, o := range set.Outputs {
		if o.Name == name {
			return true
		}
	}
	return false
}

// clean takes a keyset's value away, and every older one. What the place shows of another key stays, if set was removed:
// its own is gone from there.
func clean(ctx context.Context, p *pass, set *keyset.Set, o Output) error {
	rev, err := o.Store.Read(ctx, o.Secret)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil
	case err != nil:
		return err
	case rev.Note.Lineage != set.Lineage && (set.Removed == nil || rev.Note.Lineage == ""):
		return errors.New("it holds a value that rotate did not write for this key; nothing was changed. Move it away, and call this again")
	}
	ours := rev.Note.Lineage == set.Lineage
	if r, ok := providers.As[providers.Remover](o.Store); ok && ours {
		return r.Remove(ctx, o.Secret, rev.ID)
	}
	head := rev.ID
	if ours && string(rev.Value.Reveal()) != tombstone {
		written, err := o.Store.Write(ctx, o.Secret, providers.NewSecret([]byte(tombstone)), head, rev.Note)
		if err != nil {
			return err
		}
		head = written.ID
	}
	revs, err := o.Store.History(ctx, o.Secret)
	if err != nil {
		return err
	}
	w := &sweeper{e: p.e, set: set, tell: p.told.tellOf}
	d := dirty{place: p.t.outputPlace(o), at: rotation.Place{Name: o.Name, Content: o.content()}, store: o.Store}
	for i, old := range revs {
		if old.ID == head {
			break
		}
		r := revision(o.content(), revs, i)
		if fate, _ := rotation.FateOf(p.t.Policy, w.set, o.content(), r); fate == rotation.Foreign {
			continue // all else of this keyset goes, whatever it holds
		}
		erased, err := o.Store.Erase(ctx, o.Secret, old.ID, head)
		if err != nil {
			return err
		}
		w.erased(d, old, r, erased)
	}
	return nil
}
