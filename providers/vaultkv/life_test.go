package vaultkv

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

const (
	day   = 24 * time.Hour
	every = 4 * day
	grace = 48 * time.Hour
	prop  = 2 * time.Hour
)

// policy is what rotate's documentation grants.
func policy(path string) map[string][]string {
	return map[string][]string{
		"secret/data/" + path + "*":     {"create", "read", "update"},
		"secret/metadata/" + path + "*": {"read"},
		"secret/destroy/" + path + "*":  {"update"},
		"secret/config":                 {"read"},
	}
}

// A life is one key, its engine and the Vault that it lives in. It runs in a
// synctest bubble: its days take no time.
type life struct {
	t      *testing.T
	f      *vaultfake.Fake
	config *Config
	engine *engine.Engine
	target engine.Target

	mu     sync.Mutex
	made   []string // the text of every key that was generated
	events []engine.Event
	failed int // passes that ended with an error
}

func newLife(t *testing.T) *life {
	f := vaultfake.New()
	f.Roles["|approle/rotate"] = vaultfake.Role{Credential: "canary-secret-id", TTL: time.Hour, Max: 32 * day, Capabilities: policy("")}
	t.Setenv("VAULT_SECRET_ID", "canary-secret-id")
	l := &life{t: t, f: f, config: &Config{Address: "http://127.0.0.1:8200", Auth: Auth{Method: "approle", RoleID: "rotate"}}}
	l.target = engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: "vault", Secret: name,
		Policy:   rotation.Policy{Schedule: rotation.Every(every), Grace: grace, Propagation: prop},
		Generate: l.generate,
	}
	return l
}

func (l *life) generate() (keyset.Key, error) {
	text := "canary-" + rand.Text() + rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = append(l.made, text)
	return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(text)), "")
}

// start is a new process. It may fail, like a pass.
func (l *life) start(ctx context.Context) error {
	s, err := l.config.open(ctx, l.f)
	if err != nil {
		l.engine = nil
		return err
	}
	l.target.Store = s
	l.engine = &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "rotate test", Audit: func(ev engine.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, ev)
	}}
	return nil
}

// run lives for a time as a daemon would. A process that was told to restart is
// a new one at the next pass.
func (l *life) run(d time.Duration, restart *atomic.Bool) {
	l.t.Helper()
	ctx := context.Background()
	for end := time.Now().Add(d); time.Now().Before(end); {
		var res engine.Result
		var err error
		if again := restart.Swap(false); l.engine == nil || again {
			err = l.start(ctx)
		}
		if err == nil {
			res, err = l.engine.Pass(ctx, l.target, engine.Ask{})
		}
		wake := time.Now().Add(12 * time.Hour)
		switch {
		case err != nil:
			l.failed++
			wake = time.Now().Add(time.Minute)
			if strings.Contains(err.Error(), "canary") {
				l.t.Errorf("an error holds material")
			}
		case !res.Step.At.IsZero() && res.Step.At.Before(wake):
			wake = res.Step.At
		}
		time.Sleep(max(min(time.Until(wake), time.Until(end)), time.Second))
	}
}

func (l *life) endsWell() {
	l.t.Helper()
	rev, err := l.target.Store.Read(context.Background(), name)
	must(l.t, err)
	s, err := keyset.Parse(rev.Value.Reveal())
	must(l.t, err)
	if len(s.Keys) != 1 || s.Generation != 4 {
		l.t.Errorf("ends with %d keys at generation %d, want one at 4", len(s.Keys), s.Generation)
	}
	if len(s.Gone) != 1 || s.Gone[0].At.Sub(s.Signing().NotBefore) < grace {
		l.t.Errorf("the old key was not retired once and in time: %v", s.Gone)
	}
	for _, text := range l.made {
		if current := string(s.Signing().Text().Reveal()) == text; l.f.Readable(text) != current {
			l.t.Errorf("a key is readable: %v, is current: %v", !current, current)
		}
	}
	for _, ev := range l.events {
		if ev.Action == "refuse" {
			l.t.Errorf("alarm for no reason: %s", ev.Reason)
		}
	}
	if l.failed > 2 {
		l.t.Errorf("%d passes failed, want at most 2", l.failed)
	}
}

// oneLife lives through a creation and a rotation, with a fault at one call.
func oneLife(t *testing.T, at int, fault vaultfake.Fault, kill bool) (calls []string) {
	t.Setenv("VAULT_SECRET_ID", "") // synctest's t has no Setenv of its own to undo
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		var restart atomic.Bool
		l.f.Script = func(_ string, n int) vaultfake.Fault {
			if n != at {
				return vaultfake.Fault{}
			}
			restart.Store(kill)
			return fault
		}
		l.run(every+90*time.Hour, &restart)
		calls = slices.Clone(l.f.Calls)
		time.Sleep(30 * time.Hour) // what was still under way lands
		l.endsWell()
	})
	return calls
}

func counts(calls []string) string {
	n := map[string]int{}
	for _, c := range calls {
		n[c]++
	}
	var out []string
	for _, c := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%s %d", c, n[c]))
	}
	return fmt.Sprintf("%d calls: %s", len(calls), strings.Join(out, ", "))
}

// What a life costs: docs/providers/vaultkv.md explains each kind of call.
func TestCallsOfOneLife(t *testing.T) {
	calls := oneLife(t, 0, vaultfake.Fault{}, false)
	t.Log(counts(calls))
	n := map[string]int{}
	for _, c := range calls {
		n[c]++
	}
	if n["PUT data"] != 6 {
		t.Errorf("%d conditional writes, want one a transition and mark: 6", n["PUT data"])
	}
	if n["GET config"] != 1+6 {
		t.Errorf("the mount's settings were read %d times, want at the start and before each write", n["GET config"])
	}
}

// Promise 10 at the level of Vault's API: any call may fail before it is made,
// or be made and its reply lost, or land 30 hours late, or be the process's
// last. The key ends where it would have without. Of the kinds of failure that
// are not at every point, a fifth is tried; $ROTATE_FULL tries all.
func TestPromise10AnyCallOfVaultMayFail(t *testing.T) {
	faults := map[string]struct {
		vaultfake.Fault
		kill bool
	}{
		"500 before":             {vaultfake.Fault{Before: 500}, false},
		"503 sealed":             {vaultfake.Fault{Before: 503}, false},
		providertest.Throttled:   {vaultfake.Fault{Before: 429}, false},
		"412 stale":              {vaultfake.Fault{Before: 412}, false},
		providertest.Denied:      {vaultfake.Fault{Before: 403}, false},
		providertest.FailsBefore: {vaultfake.Fault{Before: -1}, false},
		"done, then 500":         {vaultfake.Fault{After: 500, Echo: true}, false},
		providertest.ReplyLost:   {vaultfake.Fault{After: -1}, false},
		providertest.Paused:      {vaultfake.Fault{Wait: 30 * time.Hour}, false},
		providertest.TimedOut:    {vaultfake.Fault{Hold: 30 * time.Hour}, false},
		"killed before":          {vaultfake.Fault{Before: -1}, true},
		"killed after it landed": {vaultfake.Fault{After: -1}, true},
	}
	calls := oneLife(t, 0, vaultfake.Fault{}, false)
	points, idle := providertest.Points{}, 0
	changes := []string{"PUT data", "PUT destroy"}
	for i, call := range calls {
		// Idle passes are alike: a login and a read. Two of them stand for all.
		if near := strings.Join(calls[max(0, i-1):min(len(calls), i+3)], " "); strings.ReplaceAll(strings.ReplaceAll(near, "PUT login", ""), "GET data", "") == strings.Repeat(" ", strings.Count(near, " ")-strings.Count(near, "PUT login")-strings.Count(near, "GET data")) {
			if idle++; idle > 4 {
				continue
			}
		}
		for j, word := range slices.Sorted(maps.Keys(faults)) {
			always := word == providertest.FailsBefore || word == providertest.ReplyLost || slices.Contains(changes, call) && slices.Contains(providertest.Common, word)
			if !always && os.Getenv("ROTATE_FULL") == "" && (i+j)%5 != 0 {
				continue
			}
			fault := faults[word]
			points.Add(call, word)
			t.Run(fmt.Sprintf("%d %s %s", i+1, call, word), func(t *testing.T) { oneLife(t, i+1, fault.Fault, fault.kill) })
		}
	}
	points.Report(t, len(calls), changes...)
}

// Promise 5: sixteen processes that all write at the same moment.
func TestPromise5SixteenRacers(t *testing.T) {
	for _, empty := range []bool{true, false} {
		t.Run(fmt.Sprintf("empty %v", empty), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t)
				want := uint64(1)
				if !empty {
					must(t, l.start(t.Context()))
					_, err := l.engine.Pass(t.Context(), l.target, engine.Ask{})
					must(t, err)
					want = 2 // published, for all of them together
				}
				l.f.Script = func(call string, _ int) vaultfake.Fault {
					if call == "PUT data" {
						return vaultfake.Fault{Wait: time.Second} // all of them are about to write
					}
					return vaultfake.Fault{}
				}
				var wg sync.WaitGroup
				did := make([]int, 16)
				for i := range did {
					one := &life{t: t, f: l.f, config: l.config, target: l.target}
					one.target.Generate = l.generate
					wg.Go(func() {
						if err := one.start(t.Context()); err != nil {
							t.Error(err)
							return
						}
						res, err := one.engine.Pass(t.Context(), one.target, engine.Ask{Rotate: true, By: fmt.Sprint(i)})
						if err != nil {
							t.Error(err)
						}
						for _, ev := range res.Did {
							if ev.Action == string(rotation.Create) || ev.Action == string(rotation.Publish) {
								did[i]++
							}
						}
						if res.Set == nil || res.Set.Generation != want {
							t.Errorf("racer %d ends with %v", i, res.Set)
						}
					})
				}
				wg.Wait()
				total := 0
				for _, n := range did {
					total += n
				}
				if total != 1 {
					t.Errorf("%d of them say that they did it", total)
				}
			})
		})
	}
}

var _ providers.Store = (*store)(nil)
