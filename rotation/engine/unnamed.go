package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Census knows all keys of a config. It never changes; it is comparable.
type Census interface {
	HasKey(name string) bool             // a key has this name
	HasKeyset(store, secret string) bool // a key has its keyset there
}

// An Unnamed is a keyset that no key of the config has.
type Unnamed struct {
	rotation.Ref
	Lineage string
}

// listingKept is how long a listing counts: many keys are new at once where a config is.
const listingKept = time.Minute

// listings is what this process found in stores, by their names.
type listings struct {
	mu sync.Mutex
	by map[string]*listing
}

// A listing is one store's. Who needs it while somebody makes it waits for that.
type listing struct {
	turn   chan struct{} // full while somebody makes it, or reads what follows
	at     time.Time
	census Census // of the config at that time
	found  []Unnamed
	err    error // a refusal counts as long as a listing
}

// Unnamed is the keysets of the target's environment which stand in its store and which no key of the config has, in
// the order of their secrets. It may be a minute old, and as old as a listing of the store is; a refusal is as old. Who
// waits for another's listing waits no longer than for ctx. Nothing is found,
// without an error, where the target has no Census. In a service it finds no keyset that only a read could tell from
// somebody else's value.
func (e *Engine) Unnamed(ctx context.Context, t Target) ([]Unnamed, error) {
	if t.Census == nil {
		return nil, nil
	}
	l := e.listings.of(t.StoreName)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if age := e.Clock().Wall.Sub(l.at); l.census != t.Census || age < 0 || age >= listingKept {
		all, err := unnamed(ctx, t)
		if err != nil && ctx.Err() != nil { // of this call, and not of the store
			return nil, err
		}
		l.at, l.census, l.found, l.err = e.Clock().Wall, t.Census, all, err
	}
	return l.found, l.err
}

func (all *listings) of(store string) *listing {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.by == nil {
		all.by = map[string]*listing{}
	}
	if all.by[store] == nil {
		all.by[store] = &listing{turn: make(chan struct{}, 1)}
	}
	return all.by[store]
}

// unnamed makes a listing of a target's store.
func unnamed(ctx context.Context, t Target) (all []Unnamed, err error) {
	l, ok := providers.As[providers.Lister](t.Store)
	if !ok {
		return nil, errNoList
	}
	names, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	free := t.Store.Traits().Lists
	for _, name := range names {
		if t.Census.HasKeyset(t.StoreName, name.Name) || name.Untold && !free {
			continue
		}
		if f := identify(ctx, t.Store, name); f.Kind == KindKeyset && f.Set != nil && f.Set.Environment == t.Environment {
			ref := rotation.Ref{Key: f.Set.Name, Environment: f.Set.Environment, Store: t.StoreName, Secret: f.Name}
			all = append(all, Unnamed{ref, f.Set.Lineage})
		}
	}
	return all, nil
}

// beside is an alarm if the target's key is new while keysets of this environment stand in its store that no key of
// the config has: it may be one of theirs under another name. A service is asked only by the pass that makes the key.
// A service that rotate may not list raises no alarm, since rotate does not need that right.
func (p *pass) beside(ctx context.Context) []rotation.Reason {
	if !p.makes() && !p.isFresh() {
		return nil
	}
	all, err := p.e.Unnamed(ctx, p.t)
	if err != nil || len(all) == 0 {
		return nil
	}
	return []rotation.Reason{{Code: rotation.UnnamedKeyset, Of: &all[0].Ref, Have: uint64(len(all))}}
}

// makes tells whether this pass made the key, or would.
func (p *pass) makes() bool {
	return p.result.Step.Do == rotation.Create ||
		slices.ContainsFunc(p.told.did, func(ev Event) bool { return ev.Action == string(rotation.Create) })
}

func (p *pass) isFresh() bool {
	look := rotation.Outlook{Policy: p.t.Policy, Set: p.result.Set}
	return p.result.Set != nil && p.t.Store.Traits().Lists && look.Fresh(p.e.Clock().Wall)
}

// was finds the key that an output was written for before the config gave the place to this
// one: what the output shows, or what stands in the store under that lineage.
func (p *pass) was(ctx context.Context, w rotation.Witness, shown *keyset.Set) rotation.Witness {
	if shown != nil {
		w.Of = &rotation.Ref{Key: shown.Name, Environment: shown.Environment}
	}
	all, _ := p.e.Unnamed(ctx, p.t) // without a listing, the output's own words have to do
	for _, u := range all {
		if u.Lineage == w.Lineage {
			w.Of = &u.Ref
			w.Unnamed = true
		}
	}
	if w.Of != nil && p.t.Census != nil && w.Of.Environment == p.t.Environment && !p.t.Census.HasKey(w.Of.Key) {
		w.Unnamed = true
	}
	return w
}
