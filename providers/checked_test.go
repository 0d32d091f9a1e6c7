package providers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// untouched fails the test at each call.
type untouched struct {
	*memory.Store
	t *testing.T
}

func (u untouched) Read(context.Context, string) (providers.Revision, error) {
	u.t.Error("Read reaches the store")
	return providers.Revision{}, nil
}

func (u untouched) Write(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	u.t.Error("Write reaches the store")
	return providers.Revision{}, nil
}

func (u untouched) History(context.Context, string) ([]providers.Revision, error) {
	u.t.Error("History reaches the store")
	return nil, nil
}

func (u untouched) Erase(context.Context, string, providers.RevisionID, providers.RevisionID) (providers.Erasure, error) {
	u.t.Error("Erase reaches the store")
	return providers.Erasure{}, nil
}

func TestCheckedRefusesNames(t *testing.T) {
	ctx, s := t.Context(), providers.Checked(untouched{memory.New(), t})
	for _, name := range []string{"", "a\nb", strings.Repeat("a", 256)} {
		calls := map[string]func() error{
			"read": func() error { _, err := s.Read(ctx, name); return err },
			"write": func() error {
				_, err := s.Write(ctx, name, providers.NewSecret([]byte("canary")), "", providers.Note{})
				return err
			},
			"history": func() error { _, err := s.History(ctx, name); return err },
			"erase":   func() error { _, err := s.Erase(ctx, name, "1", "2"); return err },
		}
		for op, call := range calls {
			err := call()
			var e *providers.Error
			if !errors.Is(err, providers.ErrBadName) || !errors.As(err, &e) || e.Op != op || e.Name != name || e.Hint == "" || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s of %q: %v", op, name, err)
			}
		}
	}
}

func TestCheckedRefusesValues(t *testing.T) {
	for _, c := range []struct {
		bytes int
		kind  error
	}{{0, providers.ErrUnsafe}, {11, providers.ErrTooLarge}} {
		s := providers.Checked(untouched{memory.New(memory.WithMaxValue(10)), t})
		_, err := s.Write(t.Context(), "k", providers.NewSecret([]byte(strings.Repeat("x", c.bytes))), "", providers.Note{})
		if !errors.Is(err, c.kind) || strings.Contains(err.Error(), "xx") {
			t.Errorf("%d bytes: %v", c.bytes, err)
		}
	}
	s := providers.Checked(memory.New(memory.WithMaxValue(10)))
	if _, err := s.Write(t.Context(), "k", providers.NewSecret([]byte("ten bytes!")), "", providers.Note{}); err != nil {
		t.Error(err)
	}
}

// An adapter that does not tell which names it takes is refused, not trusted.
func TestCheckedWantsARuleOfNames(t *testing.T) {
	_, err := providers.Checked(silent{memory.New()}).Read(t.Context(), "k")
	var e *providers.Error
	if !errors.Is(err, providers.ErrBadName) || !errors.As(err, &e) || !strings.Contains(e.Hint, "TakesName") {
		t.Error(err)
	}
}

type silent struct{ *memory.Store }

func (silent) Traits() providers.Traits { return providers.Traits{Type: "silent"} }

type probed struct{ *memory.Store }

func (probed) Probe(context.Context) error { return nil }

// Powers are found through what stands in front of a store, and nowhere else.
func TestAs(t *testing.T) {
	if p, ok := providers.As[providers.Prober](providers.Checked(probed{memory.New()})); !ok || p == nil {
		t.Error("the power is not found behind Checked")
	}
	if p, ok := providers.As[providers.Prober](providers.Checked(memory.New())); ok || p != nil {
		t.Error("a power is found that is not there")
	}
	if _, ok := providers.As[providers.Prober](nil); ok {
		t.Error("nothing has a power")
	}
	once := providers.Checked(memory.New())
	if providers.Checked(once) != once {
		t.Error("a store is checked twice")
	}
}
