package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
)

// A blank store remembers nothing beside its values, as one that was restored
// with all that it knew.
type blank struct {
	providers.Store
	lost  bool
	stale time.Duration
}

func (b *blank) Traits() providers.Traits {
	t := b.Store.Traits()
	t.Stale, t.Witness = b.stale, false
	return t
}

func (b *blank) Open(context.Context) (providers.Store, error) { return b, nil }

func (b *blank) Read(ctx context.Context, name string) (providers.Revision, error) {
	if b.lost {
		return providers.Revision{}, &providers.Error{Op: "read", Name: name, Kind: providers.ErrNotFound}
	}
	rev, err := b.Store.Read(ctx, name)
	rev.Witness = providers.Note{}
	return rev, err
}

// While the store may show an old document for a while, and an output remembers a
// newer one, nobody says that all is well: the staleness is waited out where it is
// short, and told where it is long.
func TestPromise6NoAnswerIsNotTakenForAGoodOne(t *testing.T) {
	for _, bound := range []time.Duration{10 * time.Second, 10 * time.Minute} {
		for _, lost := range []bool{false, true} {
			name := "restored, " + rotation.Duration(bound).String()
			if lost {
				name = "lost, " + rotation.Duration(bound).String()
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { noAnswer(t, bound, lost) })
			})
		}
	}
}

func noAnswer(t *testing.T, bound time.Duration, lost bool) {
	backend := memory.New()
	store, out := &blank{Store: backend, stale: bound}, &blank{Store: memory.New()}
	c := newConsole(t, `
environment: test
stores: {m: {type: blank}, o: {type: out}}
defaults: {store: m}
keys: {auth-jwt: {outputs: [{store: o, secret: all, format: keyset}]}}
`)
	c.stores = stores.Registry{
		"blank": func() providers.Config { return store },
		"out":   func() providers.Config { return out },
	}
	c.ends(cli.Done, "now")
	first := backend.Peek()["test-auth-jwt"][0].ID
	leaked, _ := c.ends(cli.Done, "get")
	c.ends(cli.Done, "now", "--compromised", "auth-jwt", "--yes")
	store.lost = lost
	if !lost && !backend.Restore("test-auth-jwt", first) {
		t.Fatal("there is nothing to restore")
	}

	c.cannotTell(bound > time.Minute, leaked)
}

// cannotTell holds that no command says that all is well, and none shows the key that leaked. unclear is whether the
// store may still come to show something newer; else the key is halted.
func (c *console) cannotTell(unclear bool, leaked string) {
	c.t.Helper()
	state, code := status.Halted, cli.Failed
	if unclear {
		state, code = status.Unclear, cli.Attention
	}
	stdout, _ := c.ends(cli.Attention, "status", "-o", "json")
	var r status.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || r.Keys[0].State != state || len(r.Keys[0].AttentionCodes) != 1 {
		c.t.Errorf("%v, want %s: %s", err, state, stdout)
	}
	if plan, _ := c.ends(code, "plan"); strings.Contains(plan, "the first key is made") || strings.Contains(plan, "is published") {
		c.t.Errorf("a calendar of what is not there: %s", plan)
	}
	if got, said := c.ends(code, "get"); strings.Contains(got, strings.TrimSpace(leaked)) || got != "" || said == "" {
		c.t.Errorf("the revoked key was printed, or nothing was said: %s", said)
	}
}

// What is missing at one generation is a note: nobody is logged out by going on
// without it, and nobody is told so.
func TestAcceptOfAnEarlierNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New()
		store := &memoryStore{backend}
		c := newConsole(t, "environment: test\nstores: {m: {type: kept}}\ndefaults: {store: m}\nkeys: {auth-jwt: {}}\n")
		c.stores = stores.Registry{"kept": func() providers.Config { return store }}
		for range 2 { // create; publish, and the note that next was seen
			if code, _, stderr := c.try("", "now"); code != cli.Done {
				t.Fatal(stderr)
			}
			time.Sleep(time.Minute)
		}
		var published providers.RevisionID
		for _, rev := range backend.Peek()["test-auth-jwt"] {
			if rev.Note.Generation == 2 {
				published = rev.ID
				break
			}
		}
		if !backend.Restore("test-auth-jwt", published) {
			t.Fatal("no revision without the note")
		}
		code, stdout, _ := c.try("", "status")
		if code != cli.Attention || !strings.Contains(stdout, "what is lost is a note of what was seen everywhere") || strings.Contains(stdout, "generation 2 and is not among its ancestors") {
			t.Errorf("%d, %s", code, stdout)
		}
		code, stdout, stderr := c.try("", "accept", "auth-jwt", "--generation", "2", "--yes")
		if code != cli.Done || !strings.Contains(stderr, "nobody is logged out") || strings.Contains(stderr, "whoever has") {
			t.Errorf("%d, %s%s", code, stdout, stderr)
		}
	})
}
