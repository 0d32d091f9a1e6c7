package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/providers"
)

// survey asks the stores that can tell about each key's secret and those of its
// outputs. It returns whether there is a warning and whether something failed.
func (a *app) survey(ctx context.Context, keys []*fleet.Key, opened map[string]providers.Store) (warned, failed bool) {
	ask := func(who string, store providers.Store, secret string) {
		s, ok := providers.As[providers.Surveyor](store)
		if !ok {
			return
		}
		err := store.Traits().CheckName("probe", secret)
		var excess []string
		if err == nil {
			excess, err = s.ProbeSecret(ctx, secret)
		}
		if err != nil {
			failed = true
			a.voice.Error(fmt.Errorf("%s: %w", who, err))
		}
		if len(excess) > 0 {
			warned = true
			a.voice.Warn("%s: rotate may do more than it needs, and so may whoever takes over this host: %s", who, strings.Join(excess, ", "))
		}
	}
	for _, k := range keys {
		ask(fmt.Sprintf("key %s, store %s", k.Name, k.StoreName), opened[k.StoreName], k.Secret)
		for _, o := range k.Outputs {
			for name, store := range opened {
				if o.Store == providers.Store(k.Stores[name]) {
					ask(fmt.Sprintf("key %s, output %s", k.Name, o.Name), store, o.Secret)
				}
			}
		}
	}
	return warned, failed
}

// probe reads and writes without changing anything. A write after a revision
// that never was, under a name that no one uses, has to be refused as a
// conflict; it is refused for another reason where the store cannot be reached
// or written.
func probe(ctx context.Context, s providers.Store, id string) error {
	if p, ok := providers.As[providers.Prober](s); ok {
		return p.Probe(ctx)
	}
	name := "rotate-probe-" + strings.ToLower(id)
	if _, err := s.Read(ctx, name); err == nil {
		return fmt.Errorf("the probe %s reads back although it was never written: what this store says cannot be relied on", name)
	} else if !errors.Is(err, providers.ErrNotFound) {
		return err
	}
	value := providers.NewSecret([]byte("written by rotate validate --probe; safe to delete"))
	_, err := s.Write(ctx, name, value, "rotate-probe", providers.Note{})
	switch {
	case errors.Is(err, providers.ErrConflict), errors.Is(err, providers.ErrNotFound):
		return nil
	case err == nil:
		return fmt.Errorf("the store took a write after a revision that never was: two writers would overwrite each other. Remove %s", name)
	}
	return err
}
