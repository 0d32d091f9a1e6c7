package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/engine"
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

// A Hold is how an output holds keys: not at all, or so that some do not read them.
type Hold struct {
	Output string
	Err    error           // why it cannot be written; nil if it can
	Blind  []dotenv.Reader // of the format env, who would not see them
}

// Hint is what to do about an output that cannot be written; "" if that is not known.
func (h Hold) Hint() string {
	var hinted interface{ Hint() string }
	if errors.As(h.Err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// holds tries the outputs of a key with what would stand in them. It writes nothing.
func holds(k *fleet.Key, keys []keyset.Key, now time.Time) (all []Hold) {
	set, err := keyset.Adopt(k.Name, k.Environment, "not written", keys, now, time.Time{})
	if err != nil {
		return nil // as the adoption itself will tell
	}
	for _, o := range k.Outputs {
		if _, err := o.Render(set); err != nil {
			all = append(all, Hold{Output: o.Name, Err: err})
		} else if blind := blindTo(set, o); len(blind) > 0 {
			all = append(all, Hold{Output: o.Name, Blind: blind})
		}
	}
	return all
}

// blindTo is the readers of a .env file that would not see the keys.
func blindTo(set *keyset.Set, o engine.Output) []dotenv.Reader {
	if o.Format != string(format.Env) || len(o.Variables) != 3 {
		return nil
	}
	blind, _ := format.EnvBlind(set, format.Options{Current: o.Variables[0], Next: o.Variables[1], Previous: o.Variables[2]}) // it was rendered
	return blind
}
