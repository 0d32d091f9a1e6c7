package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// neighbours is what other keys of the config have.
type neighbours struct {
	pairs  map[string]string      // which key has a live pair of this kid
	unread []Outcome[*keyset.Set] // those that could not be read
}

// kidsOf reads the keysets of other keys, once, when they are first asked about.
func kidsOf(others []*fleet.Key) func(context.Context) neighbours {
	var once sync.Once
	found := neighbours{pairs: map[string]string{}}
	return func(ctx context.Context) neighbours {
		once.Do(func() {
			for o := range Each(ctx, others, AtOnce, readSet) {
				if o.Err != nil {
					found.unread = append(found.unread, o)
					continue
				}
				for _, k := range o.Got.Keys {
					if !k.Alg.Symmetric() {
						found.pairs[k.Kid] = o.Key.Name
					}
				}
			}
		})
		return found
	}
}

// readSet is the keyset of a key as its store has it; an empty one if there is none.
func readSet(ctx context.Context, k *fleet.Key) (*keyset.Set, error) {
	rev, err := k.Store.Read(ctx, k.Secret)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return &keyset.Set{}, nil
	case err != nil:
		return nil, fmt.Errorf("key %s, store %s: %w", k.Name, k.StoreName, err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		return nil, fmt.Errorf("key %s, store %s: %w", k.Name, k.StoreName, err)
	}
	return set, nil
}
