package stores

import (
	"context"
	"errors"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// An open error must never look like an empty store: a key would be made anew.
func TestLazyStoreIsNeverEmpty(t *testing.T) {
	fail := error(&providers.Error{Op: "open", Name: "x", Kind: providers.ErrNotFound, Err: errors.New("no such bucket")})
	s := NewLazy("x", func(context.Context) (providers.Store, error) {
		if fail != nil {
			return nil, fail
		}
		return memory.New(), nil
	})
	ctx := t.Context()
	if _, err := s.Read(ctx, "k"); errors.Is(err, providers.ErrNotFound) || !errors.Is(err, providers.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := s.History(ctx, "k"); err == nil {
		t.Error("a history without a store")
	}
	fail = nil // the bucket is back
	if _, err := s.Read(ctx, "k"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	if s.Traits().Type != "memory" {
		t.Error("the traits are not those of the open store")
	}
}
