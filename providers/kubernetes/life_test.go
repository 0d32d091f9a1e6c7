package kubernetes

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

	"github.com/keyrotate/rotate/internal/test/kubefake"
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

// A life is one key, its engine and the API server that it lives in. It runs in
// a synctest bubble: its days take no time.
type life struct {
	t      *testing.T
	f      *kubefake.Fake
	v      server
	engine *engine.Engine
	target engine.Target

	mu     sync.Mutex
	made   []string // the text of every key that was generated
	events []engine.Event
	failed int // passes that ended with an error
}

func newLife(t *testing.T) *life {
	f, v := fakeServer()
	l := &life{t: t, f: f, v: v}
	l.target = engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: "kubernetes", Secret: name,
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

// start is a new process, with the rights that the documentation grants.
func (l *life) start() {
	l.target.Store = l.v.open(l.t, Config{Namespace: namespace}, "rotate")
	l.engine = &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "rotate test", Audit: func(ev engine.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, ev)
	}}
}

// run lives for a time as a daemon would. A process that was told to restart is
// a new one at the next pass.
func (l *life) run(d time.Duration, restart *atomic.Bool) {
	l.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if again := restart.Swap(false); l.engine == nil || again {
			l.start()
		}
		res, err := l.engine.Pass(context.Background(), l.target, engine.Ask{})
		wake := time.Now().Add(12 * time.Hour)
		switch {
		case err != nil:
			l.failed++
			wake = time.Now().Add(time.Minute)
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "Y2FuYXJ5") { // base64
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
func oneLife(t *testing.T, at int, fault kubefake.Fault, kill bool) (calls []string) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		var restart atomic.Bool
		l.f.Script = func(_ string, n int) kubefake.Fault {
			if n != at {
				return kubefake.Fault{}
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

// counts is how often each kind of call was made.
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

// What a life costs: docs/providers/kubernetes.md explains each kind of call.
func TestCallsOfOneLife(t *testing.T) {
	calls := oneLife(t, 0, kubefake.Fault{}, false)
	t.Log(counts(calls))
	n := map[string]int{}
	for _, c := range calls {
		n[c]++
	}
	if n["POST"] != 1 || n["PUT"] != 5 {
		t.Errorf("%d creates and %d updates, want one conditional write a transition and mark: 1 and 5", n["POST"], n["PUT"])
	}
	if others := len(calls) - n["POST"] - n["PUT"] - n["GET"]; others != 0 {
		t.Errorf("%d calls of other kinds", others)
	}
}

// Promise 10 at the level of the API: any call may fail before it is made, or be
// made and its reply lost, or land 30 hours late, or be the process's last. The
// key ends where it would have without. Of the kinds of failure that are not at
// every point, a fifth is tried; $ROTATE_FULL tries all.
func TestPromise10AnyCallMayFail(t *testing.T) {
	faults := map[string]struct {
		kubefake.Fault
		kill bool
	}{
		"500 before":             {kubefake.Fault{Before: 500}, false},
		"503 before":             {kubefake.Fault{Before: 503}, false},
		"504 before":             {kubefake.Fault{Before: 504}, false},
		providertest.Throttled:   {kubefake.Fault{Before: 429}, false},
		providertest.Denied:      {kubefake.Fault{Before: 403}, false},
		"401":                    {kubefake.Fault{Before: 401}, false},
		"quota conflict":         {kubefake.Fault{Before: 409}, false},
		providertest.FailsBefore: {kubefake.Fault{Before: -1}, false},
		"done, then a page":      {kubefake.Fault{After: 502, Page: true}, false},
		"done, then 504":         {kubefake.Fault{After: 504}, false},
		providertest.ReplyLost:   {kubefake.Fault{After: -1}, false},
		providertest.Paused:      {kubefake.Fault{Wait: 30 * time.Hour}, false},
		providertest.TimedOut:    {kubefake.Fault{Hold: 30 * time.Hour}, false},
		"killed before":          {kubefake.Fault{Before: -1}, true},
		"killed after it landed": {kubefake.Fault{After: -1}, true},
	}
	calls := oneLife(t, 0, kubefake.Fault{}, false)
	points, idle := providertest.Points{}, 0
	changes := []string{"POST", "PUT"}
	for i, call := range calls {
		// Idle passes are alike: one read. Two of them stand for all.
		if near := calls[max(0, i-2):min(len(calls), i+3)]; !slices.Contains(near, "PUT") && !slices.Contains(near, "POST") {
			if idle++; idle > 2 {
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
					l.start()
					_, err := l.engine.Pass(t.Context(), l.target, engine.Ask{})
					must(t, err)
					want = 2 // published, for all of them together
				}
				l.f.Script = func(call string, _ int) kubefake.Fault {
					if call != "GET" {
						return kubefake.Fault{Wait: time.Second} // all of them are about to write
					}
					return kubefake.Fault{}
				}
				var wg sync.WaitGroup
				did := make([]int, 16)
				for i := range did {
					one := &life{t: t, f: l.f, v: l.v, target: l.target}
					one.target.Generate = l.generate
					one.start()
					wg.Go(func() {
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
