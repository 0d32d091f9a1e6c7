package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// A prober proves by its own means that it can be read and written, and leaves
// nothing behind.
type prober interface {
	Probe(ctx context.Context) error
}

// probe reads and writes without changing anything. A write after a revision
// that never was, under a name that no one uses, has to be refused as a
// conflict; it is refused for another reason where the store cannot be reached
// or written.
func probe(ctx context.Context, s providers.Store, id string) error {
	if p, ok := s.(prober); ok {
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
