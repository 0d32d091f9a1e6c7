package providertest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Without a script a Faulty is the store that it wraps.
func TestFaultyIsTransparent(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		New: func(testing.TB) providers.Store { return providertest.NewFaulty(memory.New()) },
		Reopen: func(_ testing.TB, s providers.Store) providers.Store {
			return s
		},
	})
}

func TestFaultyBefore(t *testing.T) {
	f, ctx := providertest.NewFaulty(memory.New()), t.Context()
	f.On(providertest.Nth(providertest.Write, 1, providertest.Fault{Before: providers.ErrDenied}))
	_, err := f.Write(ctx, "key", secret("a"), "", providers.Note{})
	var whole *providers.Error
	if !errors.As(err, &whole) || whole.Op != "write" || whole.Name != "key" || whole.Kind != providers.ErrDenied {
		t.Errorf("the error is %#v", err)
	}
	if _, err := f.Read(ctx, "key"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the write was made: %v", err)
	}
	if _, err := f.Write(ctx, "key", secret("a"), "", providers.Note{}); err != nil {
		t.Errorf("the second write: %v", err)
	}
}

func TestFaultyThrottles(t *testing.T) {
	f := providertest.NewFaulty(memory.New())
	throttled := &providers.Error{Op: "read", Name: "key", Kind: providers.ErrThrottled, After: time.Minute}
	f.On(providertest.Every(providertest.Read, providertest.Fault{Before: throttled}))
	if _, err := f.Read(t.Context(), "key"); err != throttled {
		t.Errorf("the error is %v, want the scripted one", err)
	}
}

func TestFaultyLosesReplies(t *testing.T) {
	f, ctx := providertest.NewFaulty(memory.New()), t.Context()
	f.On(providertest.Every(providertest.Write, providertest.Fault{After: providers.ErrUnclear}))
	rev, err := f.Write(ctx, "key", secret("a"), "", providers.Note{})
	if !errors.Is(err, providers.ErrUnclear) || rev.ID != "" || rev.Value.Len() > 0 {
		t.Errorf("the reply got through: %v (%v)", rev, err)
	}
	f.On(nil)
	if got, err := f.Read(ctx, "key"); err != nil || !got.Value.Equal(secret("a")) {
		t.Errorf("the write was not made: %v", err)
	}
}

func TestFaultyServesOlderHeads(t *testing.T) {
	f, ctx := providertest.NewFaulty(memory.New()), t.Context()
	after := providers.RevisionID("")
	for _, v := range []string{"a", "b", "c"} {
		rev, err := f.Write(ctx, "key", secret(v), after, providers.Note{})
		if err != nil {
			t.Fatal(err)
		}
		after = rev.ID
	}
	for behind, want := range []string{"c", "b", "a", ""} {
		f.On(providertest.Every(providertest.Read, providertest.Fault{Behind: behind}))
		got, err := f.Read(ctx, "key")
		if want == "" {
			if !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("before the first head: %v", err)
			}
			continue
		}
		if err != nil || !got.Value.Equal(secret(want)) {
			t.Errorf("%d behind reads revision %q (%v), want the value %q", behind, got.ID, err, want)
		}
	}
}

func TestFaultyCounts(t *testing.T) {
	f, ctx := providertest.NewFaulty(memory.New()), t.Context()
	_, _ = f.Read(ctx, "a")
	_, _ = f.History(ctx, "a")
	_, _ = f.Read(ctx, "b")
	_, _ = f.Erase(ctx, "b", "1", "2")
	want := []providertest.Call{
		{Op: providertest.Read, Name: "a", N: 1}, {Op: providertest.History, Name: "a", N: 1},
		{Op: providertest.Read, Name: "b", N: 2}, {Op: providertest.Erase, Name: "b", N: 1},
	}
	if got := f.Calls(); !slices.Equal(got, want) {
		t.Errorf("the calls were %v, want %v", got, want)
	}
	if got := f.Count(providertest.Read); got != 2 {
		t.Errorf("%d reads, want 2", got)
	}
}

// A pause ends when its gate opens or its context ends, in the bubble's time.
func TestFaultyPauses(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(gate chan struct{}) providertest.Fault
		cut   error // what the call gives when its context ends in the pause
		made  bool  // whether it was made then
	}{
		{"before", func(gate chan struct{}) providertest.Fault { return providertest.Fault{PauseBefore: gate} }, providers.ErrUnavailable, false},
		{"after", func(gate chan struct{}) providertest.Fault { return providertest.Fault{PauseAfter: gate} }, providers.ErrUnclear, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := memory.New()
				f := providertest.NewFaulty(inner)
				gate := make(chan struct{})
				f.On(providertest.Every(providertest.Write, c.fault(gate)))
				began := time.Now()

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := f.Write(ctx, "cut", secret("a"), "", providers.Note{})
				if !errors.Is(err, c.cut) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				if _, err := inner.Read(t.Context(), "cut"); (err == nil) != c.made {
					t.Errorf("it was made: %v, want %v", err == nil, c.made)
				}

				time.AfterFunc(time.Hour, func() { close(gate) })
				_, err = f.Write(t.Context(), "thawed", secret("a"), "", providers.Note{})
				if err != nil || time.Since(began) != time.Hour+time.Minute {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

func secret(s string) providers.Secret { return providers.NewSecret([]byte(s)) }
