// Package fleet makes the keys of a config ready to be worked on: each with its
// policy, the store that it lives in, and its outputs. Nothing is opened before
// it is used.
package fleet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// A Key is one key of the config, ready to be worked on. It is not to be changed.
type Key struct {
	engine.Target
	Sync     time.Duration // how often to look when nothing is due
	Spec     keygen.Spec
	Purpose  string   // of the config; "" if it says nothing
	Owner    string   // the same
	Chosen   bool     // the config names the algorithm of Spec; it is not the default
	Cron     string   // "" where the schedule is anchored to stored times
	Digest   string   // of all that the config says of it
	Warnings []string // of the config
	Stores   Stores   // of the whole config
	Places   *Places  // the same

	Afters map[string]*after.Way // how readers of outputs, by their names, are made to read; of the others there is none

	location     func(secret string) string // nil where the store cannot tell
	outputStores []string                   // what the outputs may hang on
	own          map[string]providers.OutputOpener
	everyone     map[string]bool // by name, outputs that every user of the host may read by the config
	fields       map[string]providers.FieldKeeper
}

// Stores is the config's stores by name, opened as they are needed.
type Stores map[string]*stores.Lazy

// Find finds the store of a name that a person gave.
func (s Stores) Find(name string) (*stores.Lazy, error) {
	if l, ok := s[name]; ok {
		return l, nil
	}
	return nil, &usage.Error{Msg: "there is no store " + usage.Name(name, "of the name given"), Hint: "the config has " + strings.Join(slices.Sorted(maps.Keys(s)), ", ")}
}

// Open opens the store of a name that a person gave.
func (s Stores) Open(ctx context.Context, name string) (providers.Store, error) {
	l, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	store, err := l.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	return store, nil
}

// Of makes the keys of a config, by name. count, if it is not nil, gives what is
// told each call of the store of a name.
func Of(conf *config.Config, count func(store string) stores.Count) []*Key {
	opened, own, fields := Stores{}, map[string]providers.OutputOpener{}, map[string]providers.FieldKeeper{}
	for name, s := range conf.Stores {
		open := stores.Opener(s.Config.Open)
		if count != nil {
			open = stores.Counted(open, count(name))
		}
		opened[name] = stores.NewLazy(s.Type, open)
		if o, ok := s.Config.(providers.OutputOpener); ok {
			own[name] = o
		}
		if f, ok := s.Config.(providers.FieldKeeper); ok {
			fields[name] = f
		}
	}
	warnings, places := warningsOf(conf), placesOf(conf)
	var keys []*Key
	for _, k := range conf.Keys {
		store := conf.Stores[k.Store]
		built := &Key{
			Target: engine.Target{
				Name: k.Name, Was: k.Was, Fresh: k.Fresh, Environment: conf.Environment, Policy: k.Policy,
				StoreName: k.Store, Store: opened[k.Store], Secret: k.Secret,
				Outputs: outputs(k, opened), Census: places,
			},
			Sync: k.Sync, Spec: k.Spec, Purpose: k.Purpose, Owner: k.Owner, Chosen: k.Chosen, Cron: k.Schedule,
			Digest: digestOf(k, store), Warnings: warnings[k.Name], Stores: opened, Places: places, own: own, fields: fields,
			Afters: map[string]*after.Way{},
		}
		if l, ok := store.Config.(providers.Locator); ok {
			built.location = l.Where
		}
		built.Reopen = built.OpenWritten
		built.Generate = func() (keyset.Key, error) { return built.Spec.New() } // built.Spec.New would keep a copy of the spec
		built.everyone = map[string]bool{}
		for _, o := range k.Outputs {
			shared, ok := o.Config.(providers.Shared)
			built.everyone[o.Name] = ok && shared.Everyone()
			built.outputStores = append(built.outputStores, hangsOn(o)...)
			if way := wayOf(o); way != nil {
				built.Afters[o.Name] = way
			}
		}
		keys = append(keys, built)
	}
	return keys
}

// warningsOf is the config's warnings by what may be a key's name: names have dots,
// too.
func warningsOf(conf *config.Config) map[string][]string {
	warnings := map[string][]string{}
	for _, w := range conf.Warnings {
		name := strings.TrimPrefix(w.Path, "keys.") + "."
		for i, r := range name {
			if r == '.' {
				warnings[name[:i]] = append(warnings[name[:i]], w.Msg)
			}
		}
	}
	return warnings
}

// digestOf changes with everything that the config says of a key.
func digestOf(k config.Key, s config.Store) string {
	outputs := k.Outputs
	manual := k.Policy.Schedule == rotation.Schedule(rotation.Manual{})
	k.Policy.Schedule, k.Policy.Window, k.Outputs = nil, rotation.Window{}, nil // they have pointers; Schedule, Every and Window say the same as the first two
	text := fmt.Appendf(nil, "%+v %t %s %+v", k, manual, s.Type, s.Config)
	for _, o := range outputs {
		place := o.Config
		o.Config = nil
		text = fmt.Appendf(text, " %+v %+v", o, place)
	}
	sum := sha256.Sum256(text)
	return string(sum[:16]) // never shown
}

// ErrWhich is in the error of a command that names no key of several.
var ErrWhich = errors.New("no key is named")

// Choose finds the keys that a person named, or all of them. Without a choice it
// is the only one.
func Choose(keys []*Key, names []string, all bool) ([]*Key, error) {
	var known []string
	for _, k := range keys {
		known = append(known, k.Name)
	}
	listed := "the config has " + strings.Join(known, ", ")
	switch {
	case all && len(names) > 0:
		return nil, &usage.Error{Msg: "keys are named and --all is given: one of the two"}
	case all, len(names) == 0 && len(keys) == 1:
		return keys, nil
	case len(names) == 0:
		return nil, &usage.Error{Msg: fmt.Sprintf("the config has %d keys: which one?", len(keys)), Hint: listed, Err: ErrWhich}
	}
	var chosen []*Key
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, &usage.Error{Msg: "there is no key " + usage.Name(name, "of the name given"), Hint: listed}
		}
		chosen = append(chosen, keys[i])
	}
	return chosen, nil
}

// Names is what the key is called, and what it was called before.
func (k *Key) Names() []string { return append(slices.Clone(k.Was), k.Name) }

// Match finds the keys that a person named, or all of them where none is named. A name may be a pattern as the shell has
// them for files: * is any text, ? one character, [ab] one of some.
func Match(keys []*Key, patterns []string) ([]*Key, error) {
	if len(patterns) == 0 {
		return keys, nil
	}
	var names []string
	for _, p := range patterns {
		if !strings.ContainsAny(p, "*?[\\") {
			names = append(names, p)
			continue
		}
		found := false
		for _, k := range keys {
			if ok, err := path.Match(p, k.Name); err != nil {
				return nil, &usage.Error{Msg: usage.Name(p, "the pattern given") + " is no pattern: it has a [ without ], or ends in a \\"}
			} else if ok {
				found, names = true, append(names, k.Name)
			}
		}
		if !found {
			return nil, &usage.Error{Msg: "no key has a name like " + usage.Name(p, "the pattern given")}
		}
	}
	return Choose(keys, names, false)
}

// Where is the path or address of the secret; "" if its store cannot tell.
func (k *Key) Where() string {
	if k.location == nil {
		return ""
	}
	return k.location(k.Secret)
}

// Place is where the key lives, for people.
func (k *Key) Place() string {
	if where := k.Where(); where != "" {
		return fmt.Sprintf("store %s, %s", k.StoreName, where)
	}
	return fmt.Sprintf("store %s, secret %s", k.StoreName, k.Secret)
}

// Subject names the key for package say.
func (k *Key) Subject() say.Subject {
	return say.Subject{Key: k.Name, Store: k.StoreName, Secret: k.Secret}
}

// Outlook is the dates of a keyset of this key.
func (k *Key) Outlook(set *keyset.Set) rotation.Outlook {
	return rotation.Outlook{Policy: k.Policy, Set: set}
}

// Schedule is the key as the scheduler takes it.
func (k *Key) Schedule() scheduler.Key {
	return scheduler.Key{Target: k.Target, Cron: k.Cron, Sync: k.Sync, OutputStores: k.outputStores, Digest: k.Digest}
}
