package main

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
)

func TestActor(t *testing.T) {
	for _, c := range []struct{ user, host, want string }{
		{"root", "vm", "root@vm pid 7"},
		{"DOMAIN\\jo e", "höst", "DOMAIN\\jo-e@h-st pid 7"},
		{strings.Repeat("u", 99), strings.Repeat("h", 99), strings.Repeat("u", 24) + "@" + strings.Repeat("h", 33) + " pid 7"},
	} {
		if got := actorOf(c.user, c.host, 7); got != c.want || len(got) > maxActor {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestVersionLine(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Settings: []debug.BuildSetting{
		{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"},
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	info.Main.Version = "v0.1.0"
	if got, want := versionLine("", info), "rotate v0.1.0 0123456789ab+changes go1.26 linux/arm64"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := versionLine("v2.0.0", info); !strings.HasPrefix(got, "rotate v2.0.0 ") {
		t.Error(got)
	}
}

func TestProbe(t *testing.T) {
	m := memory.New()
	if err := probe(t.Context(), m, "ID"); err != nil {
		t.Error(err)
	}
	if revs, err := m.History(t.Context(), "rotate-probe-id"); len(revs) > 0 || err != nil {
		t.Error("the probe left something behind", err)
	}
	if err := probe(t.Context(), takesAll{m}, "ID"); err == nil || !strings.Contains(err.Error(), "overwrite each other") {
		t.Error(err)
	}
	denied := &providers.Error{Op: "write", Kind: providers.ErrDenied}
	if err := probe(t.Context(), deniesWrites{m, denied}, "ID2"); !errors.Is(err, providers.ErrDenied) {
		t.Error(err)
	}
}

// Too much is a warning, too little an error, each with the key that it is about.
func TestSurvey(t *testing.T) {
	var said bytes.Buffer
	a := &app{voice: &say.Voice{Err: &said}}
	at := func(name, store string) *fleet.Key {
		return &fleet.Key{Target: engine.Target{Name: name, StoreName: store, Secret: name}}
	}
	opened := map[string]providers.Store{"plain": memory.New(), "asks": surveyed{memory.New()}}
	if warned, failed := a.survey(t.Context(), []*fleet.Key{at("one", "asks"), at("three", "plain")}, opened); !warned || failed {
		t.Errorf("warned %v, failed %v", warned, failed)
	}
	if warned, failed := a.survey(t.Context(), []*fleet.Key{at("two", "asks"), at("four", "closed")}, opened); warned || !failed {
		t.Errorf("warned %v, failed %v", warned, failed)
	}
	want := "warning: key one, store asks: rotate may do more than it needs, and so may whoever takes over this host: delete, share\n" +
		"rotate: key two, store asks: probe two: permission denied: missing read\n"
	if said.String() != want {
		t.Errorf("%s\nwant\n%s", said.String(), want)
	}
}

type surveyed struct{ providers.Store }

func (surveyed) ProbeSecret(_ context.Context, name string) ([]string, error) {
	if name == "one" {
		return []string{"delete", "share"}, nil
	}
	return nil, &providers.Error{Op: "probe", Name: name, Kind: providers.ErrDenied, Err: errors.New("missing read")}
}

type takesAll struct{ providers.Store }

func (s takesAll) Write(ctx context.Context, name string, v providers.Secret, _ providers.RevisionID, n providers.Note) (providers.Revision, error) {
	return s.Store.Write(ctx, name, v, "", n)
}

type deniesWrites struct {
	providers.Store
	err error
}

func (s deniesWrites) Write(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	return providers.Revision{}, s.err
}

// Promise 7: no command shows what a bug panics with, wherever it is.
func TestPromise7NoCommandShowsAPanic(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {bad: {type: bad}}\nkeys: {k: {store: bad}}\n")
	c.stores = stores.Registry{"bad": func() providers.Config { return &badStore{} }}
	for _, args := range [][]string{{"now"}, {"status"}, {"get"}, {"plan"}, {"audit", "k"}, {"run", "--once"}, {"now", "--compromised", "k", "--yes"}, {"validate", "--probe"}} {
		code, out, said := c.try("", args...)
		if all := out + said; code == exitDone || strings.Contains(all, "canary") || !strings.Contains(all, "a panic of type main.spilled") {
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

// Colours are for terminals, and for those who want them.
func TestView(t *testing.T) {
	env := map[string]string{}
	a := &app{columns: func(any) int { return 60 }, getenv: func(name string) string { return env[name] }}
	for _, c := range []struct {
		terminal    bool
		name, value string
		want        say.View
	}{
		{false, "", "", say.View{}},
		{true, "", "", say.View{Width: 60, Colour: true}},
		{true, "NO_COLOR", "1", say.View{Width: 60}},
		{true, "TERM", "dumb", say.View{Width: 60}},
		{false, "TERM", "xterm", say.View{}},
	} {
		clear(env)
		env[c.name] = c.value
		a.isTerminal = func(any) bool { return c.terminal }
		if got := a.view(false); got != c.want {
			t.Errorf("terminal %v, %s=%s: %+v, want %+v", c.terminal, c.name, c.value, got, c.want)
		}
	}
}
