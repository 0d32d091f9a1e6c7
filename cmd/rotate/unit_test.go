package main

import (
	"context"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
)

// Promise 7: no command shows what a bug panics with, wherever it is.
func TestPromise7NoCommandShowsAPanic(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {bad: {type: bad}}\nkeys: {k: {store: bad}}\n")
	c.stores = stores.Registry{"bad": func() providers.Config { return &badStore{} }}
	for _, args := range [][]string{{"now"}, {"status"}, {"get"}, {"plan"}, {"audit", "k"}, {"run", "--once"}, {"now", "--compromised", "k", "--yes"}, {"validate", "--probe"}} {
		code, out, said := c.try("", args...)
		if all := out + said; code == cli.Done || strings.Contains(all, "canary") || !strings.Contains(all, "a panic of type main.spilled") {
			t.Errorf("%v: exit code %d\n%s", args, code, all)
		}
	}
}

type badStore struct{ providers.Store }

type spilled string

func (s *badStore) Open(context.Context) (providers.Store, error) { return s, nil }
func (*badStore) Traits() providers.Traits {
	return providers.Traits{Type: "bad", TakesName: func(string) bool { return true }}
}

func (*badStore) Read(context.Context, string) (providers.Revision, error) {
	panic(spilled("canary-canary-canary"))
}
