package ops_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

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

// host is a process that was not there before.
func host() *ops.Host {
	return &ops.Host{
		Now: time.Now, Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "tester@host pid 1",
		Trail: &audit.File{}, Log: slog.New(slog.DiscardHandler), Lost: func(error) {},
	}
}

// leaky is a key that signs, in a store and an output.
func leaky(t *testing.T, store providers.Store) (k *fleet.Key, out *providertest.Faulty) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rotate.yaml")
	text := "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\nkeys: {auth-jwt: {}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path, stores.Registry{"file": func() providers.Config { return &file.Config{} }})
	if err != nil {
		t.Fatal(err)
	}
	k = fleet.Of(conf, nil)[0]
	out = providertest.NewFaulty(memory.New())
	k.Store = store
	k.Outputs = []engine.Output{{Name: "app", Store: out, Secret: "app-jwt", CarriesNext: true, Render: (*keyset.Set).Projection}}
	if _, err := host().Rest(t.Context(), host().Engine(), k, engine.Ask{}); err != nil {
		t.Fatal(err)
	}
	return k, out
}

// report is a report as often as it is repeated, and what is said of it.
func report(t *testing.T, k *fleet.Key, kids ...string) (answer.Answer, error) {
	t.Helper()
	r, err := host().Report(t.Context(), k, ops.ReportOptions{Kids: kids})
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.Revoke(t.Context())
	if done == nil {
		return answer.Answer{}, err
	}
	return answer.Revoked(time.Now(), done), err
}

// Until no place holds the key, each that may is named, and that is an error.
func TestACompromiseNamesEachPlaceThatIsLeft(t *testing.T) {
	k, out := leaky(t, memory.New())
	out.On(func(providertest.Call) *providertest.Fault {
		return &providertest.Fault{Before: providers.ErrUnavailable}
	})
	_, err := report(t, k)
	if left := (*ops.LeftError)(nil); !errors.As(err, &left) {
		t.Fatal(err)
	}
	said := say.Error(err).String()
	for _, want := range []string{"is revoked, but not gone from every place\n  output app, secret app-jwt: it may hold them: read app-jwt: the service cannot be reached", "repeat this command, which replaces nothing twice"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if strings.Contains(said, "store disk") {
		t.Errorf("the store is clean:\n%s", said)
	}
	out.On(nil)
	if ans, err := report(t, k); err != nil || !strings.Contains(ans.Text, "nothing was replaced") {
		t.Errorf("%v\n%s", err, ans.Text)
	}
}

// Of two reported kids one is revoked already, and the other cannot be: that is
// not said to be done.
func TestACompromiseIsNotDoneByHalf(t *testing.T) {
	store := providertest.NewFaulty(memory.New())
	k, _ := leaky(t, store)
	r, err := host().Rest(t.Context(), host().Engine(), k, engine.Ask{Rotate: true})
	if err != nil {
		t.Fatal(err)
	}
	previous, current := r.Set.Previous()[0].Kid, r.Set.Signing().Kid
	if _, err := report(t, k, previous); err != nil {
		t.Fatal(err)
	}
	store.On(func(c providertest.Call) *providertest.Fault {
		if c.Op == providertest.Write {
			return &providertest.Fault{Before: providers.ErrUnavailable}
		}
		return nil
	})
	ans, err := report(t, k, previous, current)
	if err == nil || ans.Text != "" || strings.Contains(err.Error(), "is revoked") {
		t.Errorf("%v\n%s", err, ans.Text)
	}
}

// Tokens of an adopted key are older than its adoption.
func TestACompromiseCountsTokensFromBeforeAdoption(t *testing.T) {
	now := time.Now()
	k := &fleet.Key{Target: engine.Target{Policy: rotation.Policy{TokenTTL: 24 * time.Hour}}}
	for adopted, since := range map[bool]time.Duration{true: 24 * time.Hour, false: time.Hour} {
		set := &keyset.Set{Keys: []keyset.Key{{Status: keyset.Current, NotBefore: now.Add(-time.Hour), Adopted: adopted}}}
		h := (&ops.Report{Key: k, Before: set}).Harm(0, now)
		if want := now.Add(-since); !h.From.Equal(want) || h.None || h.Guessed || !h.To.IsZero() {
			t.Errorf("adopted %v: %+v", adopted, h)
		}
		if got := answer.Harm(now, h); !strings.Contains(got, "issued from "+say.When(now, now.Add(-since))+" to now") {
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
		k, _ := leaky(t, weakStore{memory.New(), how})
		ans, err := report(t, k)
		if err != nil {
			t.Fatal(err)
		}
		said := "store disk: " + string(how) + ". Versions that someone else can still read."
		if !strings.Contains(ans.Text, said) || strings.Contains(ans.Text, "These are they: r0") != weak {
			t.Errorf("%s:\n%s", how, ans.Text)
		}
		if alarmed := strings.Contains(ans.Alarm, "cannot erase it for good: store disk ("+string(how)+")"); alarmed != weak {
			t.Errorf("%s: alarm %q", how, ans.Alarm)
		}
	}
}
