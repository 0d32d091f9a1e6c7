package ops

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Keyset reads the keyset of a key from its store. That there is none is an error.
// What an output remembers counts: a key that was revoked since then is in no
// answer.
func (h *Host) Keyset(ctx context.Context, k *fleet.Key) (*keyset.Set, error) {
	r, err := h.Certain(ctx, k, engine.Ask{})
	switch {
	case err != nil:
		return nil, err
	case r.Removed != nil:
		return nil, say.Failed(say.Removed(k.Name, rotation.WasRemoved(r.Removed)))
	case r.Set == nil:
		return nil, say.Failed(say.NoKeyset(k.Name, k.StoreName))
	}
	return r.Set, nil
}

// Status looks at all keys, some at a time. What cannot be read is told in the
// report.
func (h *Host) Status(ctx context.Context, keys []*fleet.Key) status.Report {
	eng := h.Look()
	var facts []status.Facts
	for o := range Each(ctx, keys, AtOnce, func(ctx context.Context, k *fleet.Key) (status.Facts, error) {
		f := h.facts(ctx, eng, k)
		return f, f.Err
	}) {
		if o.Err != nil { // of a bug, too
			o.Got = Facts(o.Key)
			o.Got.Err, o.Got.Now = o.Err, h.Now()
		}
		facts = append(facts, o.Got)
	}
	var seen []status.Key
	for _, f := range facts {
		f.Twins = eng.Twins(f.Target) // all have been read
		seen = append(seen, status.Of(f))
	}
	report := status.New(h.Now(), seen)
	report.Unnamed = unnamed(ctx, eng, keys)
	return report
}

// unnamed is the keysets that no key of the config has, in the stores of some keys
// where a listing asks no service. A store that cannot be listed is unreachable for its
// keys, too, and told there.
func unnamed(ctx context.Context, eng *engine.Engine, keys []*fleet.Key) (all []status.Unnamed) {
	looked := map[string]bool{}
	for _, k := range keys {
		if looked[k.StoreName] || !k.Store.Traits().Lists {
			continue
		}
		looked[k.StoreName] = true
		found, _ := eng.Unnamed(ctx, k.Target)
		for _, u := range found {
			all = append(all, status.Unnamed{Store: u.Store, Secret: u.Secret, Key: u.Key, Lineage: u.Lineage})
		}
	}
	return all
}

// facts reads what there is to know of a key.
func (h *Host) facts(ctx context.Context, eng *engine.Engine, k *fleet.Key) (f status.Facts) {
	f = Facts(k)
	if f.Result, f.Err = See(ctx, eng, k, engine.Ask{}); f.Err == nil {
		f.Past(eng.Past(ctx, k.Target, f.Result, false))
	}
	f.Now = h.Now()
	return f
}

// Facts is what the config says of a key, for its status.
func Facts(k *fleet.Key) status.Facts {
	return status.Facts{Target: k.Target, Location: k.Where, Algorithm: k.Spec.Algorithm, Late: k.Sync, Warnings: k.Warnings}
}

// shortestKid is how much of a kid has to be given at least.
const shortestKid = 4

// FindKid finds the live or revoked kid that is meant: the whole of it, or its
// beginning, of four characters or more, where that fits only one.
func FindKid(set *keyset.Set, kid string) (string, error) {
	var all, known []string
	for _, k := range set.Keys {
		all = append(all, k.Kid)
		known = append(known, fmt.Sprintf("%s (%s)", k.Kid, k.Status))
	}
	all = append(all, set.Revoked...)
	short := strings.TrimSuffix(kid, "…")
	var found []string
	for _, k := range all {
		if k == kid {
			return k, nil
		}
		if len(short) >= shortestKid && say.KidBegins(k, short) {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	least := 0 // of what was given everything was looked at
	if len(short) < shortestKid {
		least = shortestKid
	}
	return "", refuse(say.WhichKid(set.Name, usage.Quote(short, "as it was given"), len(found), least, known))
}
