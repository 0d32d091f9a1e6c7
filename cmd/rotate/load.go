package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A key is one key of the config, ready to be worked on.
type key struct {
	engine.Target
	Sync     time.Duration
	spec     keygen.Spec
	cron     string // "" where the schedule is anchored to stored times
	digest   string // of all that the config says of it
	warnings []string
	stores   openStores
	config   config.StoreConfig // of its store

	outputStores []string // what the outputs may hang on
}

// openStores is the config's stores by name, opened as they are needed.
type openStores map[string]*lazyStore

func (s openStores) open(ctx context.Context, name string) (providers.Store, error) {
	l, ok := s[name]
	if !ok {
		return nil, &usageError{"there is no store " + shown(name, "of the name given"), "the config has " + strings.Join(slices.Sorted(maps.Keys(s)), ", ")}
	}
	store, err := l.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	return store, nil
}

// load reads the config. Nothing counts of it before use.
func (a *app) load() (*config.Config, string, error) {
	path, err := config.Find(a.configPath, a.getenv)
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), "\nhint: ")
		return nil, "", &usageError{what, firstConfig}
	}
	c, err := config.Load(path, a.stores)
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		return nil, path, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, path, &usageError{err.Error(), firstConfig}
	case err != nil:
		return nil, path, &usageError{msg: err.Error()}
	}
	return c, path, nil
}

// use makes what a config says of this process count.
func (a *app) use(c *config.Config) {
	a.listen = c.Listen
	a.trail.Use(c.AuditFile)
}

// firstConfig is all that it takes to begin.
const firstConfig = `four lines are enough to begin with; save them as rotate.yaml and call rotate now

environment: development
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys: {auth-jwt: {}}
`

// A choice says which keys of the config a command is about.
type choice struct {
	names []string
	all   bool
}

// keys are the chosen ones, by name. Without a choice it is the only one.
func (a *app) keys(c choice) ([]*key, error) {
	conf, _, err := a.load()
	if err != nil {
		return nil, err
	}
	a.use(conf)
	all := a.build(conf)
	var names []string
	for _, k := range all {
		names = append(names, k.Name)
	}
	listed := "the config has " + strings.Join(names, ", ")
	switch {
	case c.all && len(c.names) > 0:
		return nil, &usageError{"keys are named and --all is given: one of the two", ""}
	case c.all, len(c.names) == 0 && len(all) == 1:
		return all, nil
	case len(c.names) == 0:
		return nil, &usageError{fmt.Sprintf("the config has %d keys: which one?", len(all)), listed}
	}
	var chosen []*key
	for _, name := range slices.Compact(slices.Sorted(slices.Values(c.names))) {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, &usageError{"there is no key " + shown(name, "of the name given"), listed}
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// build makes the engine's targets of a config.
func (a *app) build(conf *config.Config) []*key {
	stores := openStores{}
	for name, s := range conf.Stores {
		open := s.Config.Open
		if a.metrics != nil {
			open = a.metrics.Open(name, open)
		}
		stores[name] = newLazyStore(s.Type, open)
	}
	warnings := map[string][]string{} // by what may be a key's name: names have dots, too
	for _, w := range conf.Warnings {
		path := strings.TrimPrefix(w.Path, "keys.") + "."
		for i, r := range path {
			if r == '.' {
				warnings[path[:i]] = append(warnings[path[:i]], w.Msg)
			}
		}
	}
	var keys []*key
	for _, k := range conf.Keys {
		store := conf.Stores[k.Store]
		built := &key{
			Target: engine.Target{
				Name: k.Name, Environment: conf.Environment, Policy: k.Policy,
				StoreName: k.Store, Store: stores[k.Store], Secret: k.Secret,
				Outputs: a.outputs(k, stores),
			},
			Sync: k.Sync, spec: k.Spec, cron: k.Schedule,
			digest: digestOf(k, store), warnings: warnings[k.Name], stores: stores, config: store.Config,
		}
		built.Generate = func() (keyset.Key, error) { return built.spec.New() } // built.spec.New would keep a copy of the spec
		for _, o := range k.Outputs {
			built.outputStores = append(built.outputStores, storeOf(o))
		}
		keys = append(keys, built)
	}
	return keys
}

// digestOf changes with everything that the config says of a key.
func digestOf(k config.Key, s config.Store) string {
	k.Policy.Schedule = nil // a pointer in some; Schedule and Every say the same
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v %s %+v", k, s.Type, s.Config))
	return string(sum[:16]) // never shown
}

// storeNames is every store that a pass of the key uses, its own first.
func (k *key) storeNames() []string { return append([]string{k.StoreName}, k.outputStores...) }

// where is the path or address of the secret; "" if its store cannot tell.
func (k *key) where() string {
	if l, ok := k.config.(locator); ok {
		return l.Where(k.Secret)
	}
	return ""
}

// place is where the key lives, for people.
func (k *key) place() string {
	if where := k.where(); where != "" {
		return fmt.Sprintf("store %s, %s", k.StoreName, where)
	}
	return fmt.Sprintf("store %s, secret %s", k.StoreName, k.Secret)
}

// pause waits, but not longer than for ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// maxPasses bounds what one command does about writers that keep getting in
// its way.
const maxPasses = 100

// rest makes passes until there is nothing left to do at this moment. The
// result is that of the last one, with what all of them did. A store that shows
// less than this process has seen is given the time it needs to catch up.
func (k *key) rest(ctx context.Context, eng *engine.Engine, ask engine.Ask, now func() time.Time) (engine.Result, error) {
	var did []engine.Event
	for range maxPasses {
		r, err := eng.Pass(ctx, k.Target, ask)
		did = append(did, r.Did...)
		r.Did = did
		behind := r.Set == nil && r.Step.Do == rotation.Wait
		if err != nil || r.Step.Do == rotation.Halt || !behind && (r.Step.At.IsZero() || r.Step.At.After(now())) {
			return r, err
		}
		ask.Away = r.Away
		if behind {
			if err := pause(ctx, r.Step.At.Sub(now())); err != nil {
				return r, err
			}
		}
	}
	return engine.Result{Did: did, Away: ask.Away}, fmt.Errorf("key %s, store %s: other writers kept getting in the way; the next call goes on from what is stored", k.Name, k.StoreName)
}
