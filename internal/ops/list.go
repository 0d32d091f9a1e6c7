package ops

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/rotation/engine"
)

// ListSchema names the form of a Listing. Members may be added to it; a change of one
// that exists gets a new name.
const ListSchema = "rotate/list/v1"

// A Listing is what stands in some stores, as `rotate list -o json` prints it. Times are
// RFC 3339 in UTC; an absent member is not known, or does not apply. It never holds
// material.
type Listing struct {
	Schema    string        `json:"schema"`    // rotate/list/v1
	At        time.Time     `json:"at"`        // of the answer
	Attention bool          `json:"attention"` // a store was not listed, or has a keyset of this environment that no config names; the exit code is 3
	Stores    []ListedStore `json:"stores"`    // by name
}

// A ListedStore is one store of the config.
type ListedStore struct {
	Store   string   `json:"store"`           // its name in the config
	Type    string   `json:"type"`            // such as file or awssm
	Error   string   `json:"error,omitempty"` // why it was not listed, in words
	Secrets []Listed `json:"secrets"`         // by name

	Err error `json:"-"` // Error as data
}

// A Listed is one name of a store and what stands there.
type Listed struct {
	Secret      string      `json:"secret"`                // its name in the store
	Kind        engine.Kind `json:"kind"`                  // keyset, output, removed, other or unknown
	Named       string      `json:"named,omitempty"`       // key of the config that this is the keyset or an output of
	Unnamed     bool        `json:"unnamed"`               // a keyset of the config's environment that no key of it has
	Key         string      `json:"key,omitempty"`         // what the keyset calls itself
	Environment string      `json:"environment,omitempty"` // of the keyset
	Lineage     string      `json:"lineage,omitempty"`     // of the keyset
	Generation  uint64      `json:"generation,omitempty"`  // of the keyset
	Bytes       int         `json:"bytes,omitempty"`       // size of the value
	Created     *time.Time  `json:"created,omitempty"`     // when the name was first stored, or the oldest time that its keyset tells
	Signs       *time.Time  `json:"signs,omitempty"`       // since when the key signs that signs now
	Written     *time.Time  `json:"written,omitempty"`     // the last write of the secret
	Error       string      `json:"error,omitempty"`       // why it could not be read, or is not to be trusted
}

// List tells what stands in a store of the config, or in all of them for "". What
// cannot be read is told in the listing. So is a store that cannot be listed, unless it
// is the one that was asked for: that is an error.
func (h *Host) List(ctx context.Context, keys []*fleet.Key, store string) (Listing, error) {
	stores, env := keys[0].Stores, keys[0].Environment
	names := []string{store}
	if store == "" {
		names = slices.Sorted(maps.Keys(stores))
	} else if _, err := stores.Find(store); err != nil {
		return Listing{}, err
	}
	all := Listing{Schema: ListSchema, At: h.Now().UTC().Truncate(time.Second), Stores: make([]ListedStore, len(names))}
	for i, name := range names {
		all.Stores[i] = list(ctx, keys[0], env, name)
		all.Attention = all.Attention || all.Stores[i].alarmed()
	}
	if err := all.Stores[0].Err; err != nil && store != "" {
		return Listing{}, err
	}
	return all, nil
}

func (s ListedStore) alarmed() bool {
	return s.Err != nil || slices.ContainsFunc(s.Secrets, func(l Listed) bool { return l.Unnamed })
}

// list lists one store.
func list(ctx context.Context, k *fleet.Key, env, name string) ListedStore {
	s := ListedStore{Store: name, Secrets: []Listed{}}
	opened, err := k.Stores.Open(ctx, name)
	var found []engine.Found
	if err == nil {
		s.Type = opened.Traits().Type
		found, err = engine.List(ctx, opened)
	}
	if err != nil {
		s.Err = fmt.Errorf("store %s: it could not be listed: %w", name, err)
		s.Error = s.Err.Error()
		return s
	}
	for _, f := range found {
		s.Secrets = append(s.Secrets, listed(f, k.Places, env, name))
	}
	return s
}

// listed is what was found under one name, held against the config.
func listed(f engine.Found, places *fleet.Places, env, store string) Listed {
	l := Listed{Secret: f.Name, Kind: f.Kind, Lineage: f.Note.Lineage, Generation: f.Note.Generation, Bytes: f.Size, Created: when(f.Created), Written: when(f.Written)}
	if l.Named = places.Key(store, f.Name); l.Named == "" {
		l.Named = places.Output(store, f.Name)
	}
	if f.Err != nil {
		l.Error = f.Err.Error()
	}
	if set := f.Set; set != nil {
		l.Key, l.Environment, l.Lineage, l.Generation = set.Name, set.Environment, set.Lineage, set.Generation
		l.Signs = when(set.Signing().NotBefore)
		if f.Created.IsZero() {
			l.Created = when(set.OldestTime())
		}
		l.Unnamed = f.Kind == engine.KindKeyset && l.Named == "" && set.Environment == env
	}
	return l
}

// when is a time for programs; nil if there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
