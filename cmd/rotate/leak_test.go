package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const leakConfig = `environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {auth-jwt: {}}
`

// On a terminal it asks, and only yes is an answer.
func TestACompromiseIsAskedOnATerminal(t *testing.T) {
	for answer, code := range map[string]int{"": exitFailed, "no\n": exitFailed, "y\n": exitFailed, "yes\n": exitDone} {
		c := newConsole(t, leakConfig)
		c.do("now")
		before := c.do("get", "--format", "value")
		c.asks = true
		got, _, stderr := c.try(answer, "now", "--compromised", "auth-jwt")
		if got != code || !strings.Contains(stderr, "Revoke kid ") || !strings.Contains(stderr, "of key auth-jwt? Type yes to go on: ") {
			t.Errorf("%q: exit code %d, want %d\n%s", answer, got, code, stderr)
		}
		if code != exitDone && !strings.Contains(stderr, "not confirmed; nothing was changed") {
			t.Errorf("%q: %s", answer, stderr)
		}
		if same := c.do("get", "--format", "value") == before; same != (code != exitDone) {
			t.Errorf("%q: the key is the same: %v", answer, same)
		}
	}
}

// A weakStore erases as weakly as AWS and Azure do.
type weakStore struct {
	providers.Store
	how providers.How
}

func (s weakStore) Traits() providers.Traits {
	t := s.Store.Traits()
	t.Erases, t.Remains = s.how, "Versions that someone else can still read."
	return t
}

func (s weakStore) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	_, err := s.Store.Erase(ctx, name, id, head)
	return providers.Erasure{How: s.how}, err
}

// leaky is an app with one key in a store and an output, and what it says.
func leaky(t *testing.T, store providers.Store) (l *leak, out *providertest.Faulty, said *bytes.Buffer) {
	t.Helper()
	c := newConsole(t, leakConfig)
	said = &bytes.Buffer{}
	a := system()
	a.stdout, a.stderr, a.actor = said, said, "tester@host pid 1"
	a.started, a.configPath = true, filepath.Join(c.dir, "rotate.yaml")
	a.voice = &say.Voice{Err: said}
	keys, err := a.keys(choice{})
	if err != nil {
		t.Fatal(err)
	}
	k := keys[0]
	out = providertest.NewFaulty(memory.New())
	k.Store = store
	k.Outputs = []engine.Output{{Name: "app", Store: out, Secret: "app-jwt", CarriesNext: true, Render: (*keyset.Set).Projection}}
	eng := a.host(quiet).Look()
	if _, err := a.host(quiet).Rest(t.Context(), eng, k, engine.Ask{}); err != nil {
		t.Fatal(err)
	}
	return &leak{app: a, key: k, o: nowOptions{compromised: true}, h: a.host(quiet), engine: eng}, out, said
}

// report is the command as often as it is repeated.
func (l *leak) report(t *testing.T) (answer, error) {
	t.Helper()
	if err := l.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l.revoke(t.Context())
}

// Until no place holds the key, each that may is named and the code is 1.
func TestACompromiseNamesEachPlaceThatIsLeft(t *testing.T) {
	l, out, said := leaky(t, memory.New())
	out.On(func(providertest.Call) *providertest.Fault {
		return &providertest.Fault{Before: providers.ErrUnavailable}
	})
	ans, err := l.report(t)
	if err == nil || l.exit(err) != exitFailed {
		t.Fatal(err)
	}
	for _, want := range []string{"is revoked, but not gone from every place\n  output app, secret app-jwt: it may hold them: read app-jwt: the service cannot be reached", "repeat this command, which replaces nothing twice"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if strings.Contains(said.String(), "store disk") || ans.alarm != "" {
		t.Errorf("the store is clean, and the error says it all: %q\n%s", ans.alarm, said)
	}
	fresh := l.key
	out.On(nil)
	l = &leak{app: l.app, key: fresh, o: l.o, h: l.h, engine: l.app.host(quiet).Look()} // a process that was not there before
	if ans, err = l.report(t); err != nil || !strings.Contains(ans.text, "nothing was replaced") {
		t.Errorf("%v\n%s", err, ans.text)
	}
}

// Of two reported kids one is revoked already, and the other cannot be: that is
// not said to be done.
func TestACompromiseIsNotDoneByHalf(t *testing.T) {
	store := providertest.NewFaulty(memory.New())
	l, _, said := leaky(t, store)
	if _, err := l.h.Rest(t.Context(), l.engine, l.key, engine.Ask{Rotate: true}); err != nil {
		t.Fatal(err)
	}
	if err := l.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	previous, current := l.before.Previous()[0].Kid, l.before.Signing().Kid
	of := func(kids ...string) *leak {
		return &leak{app: l.app, key: l.key, o: nowOptions{compromised: true, kids: kids}, h: l.h, engine: l.engine}
	}
	if _, err := of(previous).report(t); err != nil {
		t.Fatal(err)
	}
	store.On(func(c providertest.Call) *providertest.Fault {
		if c.Op == providertest.Write {
			return &providertest.Fault{Before: providers.ErrUnavailable}
		}
		return nil
	})
	_, err := of(previous, current).report(t)
	if err == nil || l.exit(err) != exitFailed || strings.Contains(said.String(), "is revoked") {
		t.Errorf("%v\n%s", err, said)
	}
}

// Tokens of an adopted key are older than its adoption.
func TestACompromiseCountsTokensFromBeforeAdoption(t *testing.T) {
	now := time.Now()
	l := &leak{key: &fleet.Key{Target: engine.Target{Policy: rotation.Policy{TokenTTL: 24 * time.Hour}}}}
	for adopted, since := range map[bool]time.Duration{true: 24 * time.Hour, false: time.Hour} {
		k := keyset.Key{Status: keyset.Current, NotBefore: now.Add(-time.Hour), Adopted: adopted}
		if got := l.harm(0, k, now); !strings.Contains(got, "issued from "+say.When(now, now.Add(-since))+" to now") {
			t.Errorf("adopted %v: %s", adopted, got)
		}
	}
}

// Where the backend cannot erase for good, what is left there is said, with the
// revisions, and a person should look.
func TestACompromiseSaysWhatAWeakStoreKeeps(t *testing.T) {
	for how, weak := range map[providers.How]bool{
		providers.Destroyed: false, providers.Unlinked: false, providers.Replaced: false, providers.Disabled: true, providers.Unlabelled: true,
	} {
		l, _, _ := leaky(t, weakStore{memory.New(), how})
		ans, err := l.report(t)
		if err != nil {
			t.Fatal(err)
		}
		said := "store disk: what is gone is " + string(how) + ". Versions that someone else can still read."
		if !strings.Contains(ans.text, said) || strings.Contains(ans.text, "These are they: r0") != weak {
			t.Errorf("%s:\n%s", how, ans.text)
		}
		if alarmed := strings.Contains(ans.alarm, "cannot erase it for good: store disk ("+string(how)+")"); alarmed != weak {
			t.Errorf("%s: alarm %q", how, ans.alarm)
		}
	}
}
