package ops

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
)

// A Probed place is a store, an output's own folder, one secret, or what makes readers
// read, and what came of trying it.
type Probed struct {
	Store  string // by its name in the config; "" for others
	Output string // by its name; "" for others
	After  string // how readers of Output are made to read; "" if that was not tried
	Traits providers.Traits
	Excess []string // what rotate may do to the secret beyond what it needs
	Who    string   // whose secret Excess and Err are about; "" for a store or a folder
	Err    error
}

// Probe tries the audit file, every store, then every output that has a folder of
// its own, asks the stores that can tell about each secret, and then whether readers
// could be made to read. Nothing is changed, and nobody is woken.
func (h *Host) Probe(ctx context.Context, keys []*fleet.Key) iter.Seq[Probed] {
	return func(yield func(Probed) bool) {
		if err := h.Trail.Probe(); err != nil && !yield(Probed{Who: "audit", Err: err}) {
			return
		}
		if len(keys) == 0 {
			return
		}
		known, opened := keys[0].Stores, map[string]providers.Store{}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			s, err := known.Open(ctx, name)
			p := Probed{Store: name, Err: err}
			if err == nil {
				p.Traits, opened[name] = s.Traits(), s
				if err := probe(ctx, s, h.NewID()); err != nil {
					p.Err = fmt.Errorf("store %s: %w", name, err)
					delete(opened, name)
				}
			}
			if !yield(p) {
				return
			}
		}
		for _, k := range keys {
			if !h.probeFolders(ctx, k, yield) {
				return
			}
		}
		for _, k := range keys {
			if !survey(ctx, k, opened, yield) {
				return
			}
		}
		for _, k := range keys {
			if !tryAfters(ctx, k, yield) {
				return
			}
		}
	}
}

// tryAfters finds out whether readers of a key's outputs could be made to read.
func tryAfters(ctx context.Context, k *fleet.Key, yield func(Probed) bool) bool {
	for _, output := range slices.Sorted(maps.Keys(k.Afters)) {
		way := k.Afters[output]
		limited, cancel := context.WithTimeoutCause(ctx, afterTimeout, errNotTried)
		p := Probed{Output: output, After: way.Name, Err: way.Try(limited)}
		cancel()
		if p.Err != nil {
			p.Err = fmt.Errorf("key %s, output %s, after: %w", k.Name, output, p.Err)
		}
		if !yield(p) {
			return false
		}
	}
	return true
}

// afterTimeout is how long it may take to find that out.
const afterTimeout = 15 * time.Second

var errNotTried = errors.New("it did not answer in time")

// probeFolders tries the outputs of a key that share no store of the config: files,
// and parts of a secret.
func (h *Host) probeFolders(ctx context.Context, k *fleet.Key, yield func(Probed) bool) bool {
	for _, o := range k.Outputs {
		own, ok := o.Store.(*stores.Lazy)
		if !ok || slices.Contains(slices.Collect(maps.Values(k.Stores)), own) {
			continue
		}
		s, err := own.Open(ctx)
		if err == nil {
			err = probe(ctx, s, h.NewID())
		}
		if err == nil { // a file that is there has to be one that rotate takes
			if _, err = s.Read(ctx, o.Secret); errors.Is(err, providers.ErrNotFound) {
				err = nil
			}
		}
		if err != nil {
			err = fmt.Errorf("key %s, output %s: %w", k.Name, o.Name, err)
		}
		if !yield(Probed{Output: o.Name, Err: err}) {
			return false
		}
	}
	return true
}

// survey asks the stores that can tell about a key's secret and those of its
// outputs. It yields what there is to say.
func survey(ctx context.Context, k *fleet.Key, opened map[string]providers.Store, yield func(Probed) bool) bool {
	ask := func(who string, store providers.Store, secret string) bool {
		s, ok := providers.As[providers.Surveyor](store)
		if !ok {
			return true
		}
		p := Probed{Who: who, Err: store.Traits().CheckName("probe", secret)}
		if p.Err == nil {
			p.Excess, p.Err = s.ProbeSecret(ctx, secret)
		}
		if p.Err == nil && len(p.Excess) == 0 {
			return true
		}
		if p.Err != nil {
			p.Err = fmt.Errorf("%s: %w", who, p.Err)
		}
		return yield(p)
	}
	if !ask(fmt.Sprintf("key %s, store %s", k.Name, k.StoreName), opened[k.StoreName], k.Secret) {
		return false
	}
	for _, o := range k.Outputs {
		name, _, _ := strings.Cut(o.Name, " ")
		if store := opened[name]; store != nil && !ask(fmt.Sprintf("key %s, output %s", k.Name, o.Name), store, o.Secret) {
			return false
		}
	}
	return true
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
