package azurekv

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

const (
	day   = 24 * time.Hour
	every = 8 * day
	grace = 48 * time.Hour
)

// A life is one key on a fake, through the whole engine, in a synctest bubble.
type life struct {
	t      *testing.T
	fake   *azurefake.Fake
	target engine.Target
	engine *engine.Engine

	mu     sync.Mutex
	made   []string
	events []engine.Event
	errs   []error
}

func newLife(t *testing.T) *life {
	l := &life{t: t, fake: azurefake.New()}
	l.target = engine.Target{
		Name: "auth-jwt", Environment: "production", StoreName: "azure", Store: onFake(l.fake, Config{}), Secret: name,
		Policy:   rotation.Policy{Schedule: rotation.Every(every), Grace: grace, Propagation: 2 * time.Hour},
		Generate: l.generate,
	}
	l.engine = l.process()
	return l
}

func (l *life) process() *engine.Engine {
	return &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "rotate test", Audit: func(ev engine.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, ev)
	}}
}

func (l *life) generate() (keyset.Key, error) {
	text := "canary-" + rand.Text() + rand.Text()
	l.mu.Lock()
	l.made = append(l.made, text)
	l.mu.Unlock()
	return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(text)), "")
}

// run is what a daemon does: it sleeps until the step says, looks every other day,
// and tries again a minute after an error.
func (l *life) run(d time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		res, err := l.engine.Pass(context.Background(), l.target, engine.Ask{})
		wake := time.Now().Add(2 * day)
		if err != nil {
			l.mu.Lock()
			l.errs = append(l.errs, err)
			l.mu.Unlock()
			wake = time.Now().Add(time.Minute)
		} else if !res.Step.At.IsZero() && res.Step.At.Before(wake) {
			wake = res.Step.At
		}
		if wake.After(end) {
			wake = end
		}
		time.Sleep(max(time.Until(wake), time.Second))
	}
}

// endsWell checks that a creation and a rotation are done and nothing is left:
// one lineage, one key, what applications read is the head's value, nothing
// enabled holds another key, and there was no alarm on the way.
func (l *life) endsWell() {
	l.t.Helper()
	rev, err := l.target.Store.Read(context.Background(), name)
	if err != nil {
		l.t.Fatal(err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		l.t.Fatal(err)
	}
	if set.Generation != 4 || len(set.Keys) != 1 || len(set.Gone) != 1 {
		l.t.Errorf("ends at generation %d with %d keys and %d gone", set.Generation, len(set.Keys), len(set.Gone))
	} else if kept := set.Gone[0].At.Sub(set.Signing().NotBefore); kept < grace {
		l.t.Errorf("promise 3: the old key went %s after the promotion", kept)
	}
	if rev.Note.Generation != set.Generation || rev.Note.Digest != set.Digest {
		l.t.Errorf("the note is %+v", rev.Note)
	}
	versions := l.fake.Versions(name)
	if newest := versions[len(versions)-1]; !newest.Enabled || newest.Value != string(rev.Value.Reveal()) {
		l.t.Errorf("applications do not read the head, but version %s", newest.ID)
	}
	for _, v := range versions {
		for _, text := range l.made {
			if current := string(set.Signing().Text().Reveal()) == text; !current && v.Enabled && strings.Contains(v.Value, text) {
				l.t.Errorf("version %s can still be read and holds a key that is not current", v.ID)
			}
		}
	}
	done := map[string]map[uint64]bool{}
	for _, ev := range l.events {
		if done[ev.Action] == nil {
			done[ev.Action] = map[uint64]bool{}
		}
		done[ev.Action][ev.Generation] = true
		if ev.Action == "refuse" {
			l.t.Errorf("an alarm for no reason: %s", ev.Reason)
		}
	}
	for _, action := range []rotation.Action{rotation.Create, rotation.Publish, rotation.Promote, rotation.Retire} {
		if n := len(done[string(action)]); n != 1 {
			l.t.Errorf("%s was done %d times", action, n)
		}
	}
	for _, err := range l.errs {
		for _, text := range l.made {
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), text) {
				l.t.Errorf("an error holds a key")
			}
		}
	}
}

// enabled are the versions that some call can still read.
func (l *life) enabled() (left []azurefake.Version) {
	for _, v := range l.fake.Versions(name) {
		if v.Enabled {
			left = append(left, v)
		}
	}
	return left
}

// Promise 4, as far as Azure goes: after retirement exactly one version can be
// read, the head. Of the others their tags are left, and a value that someone
// has to enable again before anyone can read it.
func TestOneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every + 4*day)
		count := map[string]int{}
		for _, c := range l.fake.Calls() {
			count[c.Op]++
		}
		l.endsWell()
		t.Logf("one life of %d days (create, publish, ready, promote, settled, retire; reads; erasures): %v", int(every/day)+4, count)
		if count["SetSecret"] != 6 || count["UpdateSecret"] != 5 || count["GetDeletedSecret"] != 2 || l.fake.Challenges() != 1 {
			t.Errorf("%v and %d challenges, want 6 writes, 5 erasures, 2 looks for a deleted secret, 1 challenge", count, l.fake.Challenges())
		}
		if left := l.enabled(); len(left) != 1 {
			t.Errorf("%d versions are enabled, want the head alone", len(left))
		}
		if len(l.errs) > 0 {
			t.Error(l.errs)
		}
	})
}

// everyNth point of failure is tried.
var everyNth = 1

// Promise 10: each call of a life fails before it is made, is applied and loses
// its reply, is refused, times out, or is held for 30 hours while another
// process goes on; and the next pass but one at the latest goes on as if nothing
// had been.
func TestPromise10EveryCallMayFail(t *testing.T) {
	var calls []azurefake.Call
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every + 4*day)
		calls = l.fake.Calls()
	})
	kinds := map[string]func(*life) azurefake.Fault{
		providertest.FailsBefore: func(*life) azurefake.Fault { return azurefake.Fault{Before: azurefake.ErrLost} },
		providertest.ReplyLost:   func(*life) azurefake.Fault { return azurefake.Fault{After: azurefake.ErrLost} },
		"503 after": func(*life) azurefake.Fault {
			return azurefake.Fault{After: &azurefake.Error{Status: 503, Code: "ServiceUnavailable", Message: "try again"}}
		},
		providertest.Throttled: func(*life) azurefake.Fault {
			return azurefake.Fault{Before: &azurefake.Error{Status: 429, Code: "Throttled", Message: "too many requests", RetryAfter: 7}}
		},
		providertest.Denied: func(*life) azurefake.Fault {
			return azurefake.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized"}}
		},
		providertest.TimedOut: func(l *life) azurefake.Fault { return azurefake.Fault{PauseBefore: l.after(2 * timeout)} },
		"timed out, and 30 h later it arrives": func(l *life) azurefake.Fault {
			return azurefake.Fault{PauseBefore: l.after(30 * time.Hour), Late: true}
		},
	}
	points, turn := providertest.Points{}, 0
	for i, c := range calls {
		idle := func(j int) bool { return j < 0 || j >= len(calls) || strings.HasPrefix(calls[j].Op, "Get") }
		if !slices.ContainsFunc([]int{-2, -1, 0, 1, 2}, func(d int) bool { return !idle(i + d) }) {
			continue // one of many idle reads
		}
		for _, word := range slices.Sorted(maps.Keys(kinds)) {
			if idle(i) && (word == providertest.ReplyLost || word == "503 after") {
				continue // a read is a read, however it fails
			}
			if turn++; turn%everyNth != 0 {
				continue
			}
			points.Add(c.Op, word)
			t.Run(fmt.Sprintf("call %d, %s %d, %s", c.All, c.Op, c.N, word), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t)
					fault := kinds[word]
					l.fake.On(func(c azurefake.Call) *azurefake.Fault {
						if c.All != calls[i].All {
							return nil
						}
						f := fault(l)
						return &f
					})
					l.run(every + 6*day)
					l.endsWell()
					if len(l.errs) > 1 {
						t.Errorf("%d passes failed, of at most 1: %v", len(l.errs), l.errs)
					}
				})
			})
		}
		if turn++; turn%everyNth != 0 {
			continue
		}
		points.Add(c.Op, providertest.Paused)
		t.Run(fmt.Sprintf("call %d, %s %d, held", c.All, c.Op, c.N), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { heldLife(t, c) })
		})
	}
	changes := []string{"SetSecret", "UpdateSecret"}
	if everyNth > 1 {
		changes = nil
	}
	points.Report(t, len(calls), changes...)
}

// after is closed a while after now.
func (l *life) after(d time.Duration) <-chan struct{} {
	gate := make(chan struct{})
	time.AfterFunc(d, func() { close(gate) })
	return gate
}

// heldLife freezes a process in one call, timers and all, for 30 hours.
func heldLife(t *testing.T, at azurefake.Call) {
	l := newLife(t)
	frozen := *l.target.Store.(*store)
	frozen.timeout = 1000 * time.Hour
	other := life{t: t, fake: l.fake, target: l.target, engine: l.process()}
	l.target.Store = &frozen
	thaw, held := make(chan struct{}), make(chan struct{})
	l.fake.On(func(c azurefake.Call) *azurefake.Fault {
		if c.All != at.All {
			return nil
		}
		return &azurefake.Fault{Paused: held, PauseBefore: thaw}
	})
	var wg sync.WaitGroup
	wg.Go(func() { l.run(every + 4*day) })
	wg.Go(func() {
		<-held
		other.run(30 * time.Hour)
		close(thaw)
	})
	wg.Wait()
	l.run(2 * day)
	l.endsWell()
}

// Sixteen rotators at once, on nothing and on a key: one creation, one rotation.
// Some are late by hours, when the race is long decided. What the losers put is
// what applications read until the first Read that follows; that is the window.
func TestPromise5SixteenRotators(t *testing.T) {
	for _, stage := range []string{"empty", "with a key", "with a key, and the service takes one at a time", "with a key, half of them late"} {
		t.Run(stage, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t)
				want := uint64(1)
				if stage != "empty" {
					if _, err := l.engine.Pass(context.Background(), l.target, engine.Ask{}); err != nil {
						t.Fatal(err)
					}
					want = 2
				}
				l.fake.Serial(strings.HasSuffix(stage, "one at a time"))
				var mu sync.Mutex
				sets := 0
				gate, late := make(chan struct{}), make(chan struct{})
				l.fake.On(func(c azurefake.Call) *azurefake.Fault {
					if c.Op != "SetSecret" {
						return nil
					}
					mu.Lock()
					defer mu.Unlock()
					if sets++; sets%2 == 0 && strings.HasSuffix(stage, "late") {
						return &azurefake.Fault{PauseBefore: late, Late: true}
					}
					return &azurefake.Fault{PauseBefore: gate}
				})
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						_, err := l.process().Pass(context.Background(), l.target, engine.Ask{Rotate: true})
						if err != nil && !strings.HasSuffix(stage, "late") {
							t.Error(err)
						}
					})
				}
				time.Sleep(time.Second)
				l.fake.On(nil)
				begun := time.Now()
				close(gate)
				wg.Wait()
				t.Logf("decided and repaired %s after the last write", time.Since(begun))
				close(late)
				time.Sleep(time.Second)
				did := 0
				for _, ev := range l.events {
					if ev.Action == "refuse" {
						t.Error(ev.Reason)
					}
					if ev.Generation == want && (ev.Action == string(rotation.Create) || ev.Action == string(rotation.Publish)) {
						did++
					}
				}
				rev, err := l.target.Store.Read(context.Background(), name)
				if err != nil || rev.Note.Generation != want || did != 1 {
					t.Errorf("%v: generation %d, want %d; %d say that they did it", err, rev.Note.Generation, want, did)
				}
				versions := l.fake.Versions(name)
				if newest := versions[len(versions)-1]; newest.Value != string(rev.Value.Reveal()) {
					t.Error("applications do not read the head")
				}
			})
		})
	}
}

// Answers that are as old as the store declares, for a whole life: of the
// listing, of the value, of both.
func TestLifeOnStaleReads(t *testing.T) {
	for _, ops := range [][]string{{"GetSecretVersions"}, {"GetSecret"}, {"GetSecretVersions", "GetSecret"}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLife(t)
			for _, op := range ops {
				l.fake.Stale(op, stale)
			}
			l.run(every + 5*day)
			for _, op := range ops {
				l.fake.Stale(op, 0)
			}
			l.endsWell()
			if n := len(l.fake.Versions(name)); n != 6 {
				t.Errorf("%v: %d versions were made, want 6: a stale listing is no race", ops, n)
			}
		})
	}
}

// A loser that arrives hours late, or an old version that someone sets with
// rotate's tags, is what applications read until the next look. The waits begin
// anew then: the next key is not promoted in the very pass that covers it.
func TestPromise2ACoveredVersionBeginsTheWaitAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every - time.Hour) // the next key is published and waits
		wait := l.target.Policy.Propagation + l.target.Policy.Skew()
		head := l.fake.Versions(name)
		pass := func() *keyset.Set {
			res, err := l.engine.Pass(t.Context(), l.target, engine.Ask{})
			must(t, err)
			return res.Set
		}
		before := pass()
		if next, ok := before.Next(); !ok || before.Ready == nil || before.Ready.Kid != next.Kid {
			t.Fatalf("no next key is waiting: %+v", before)
		}
		time.Sleep(time.Until(l.target.Policy.Due(before.Signing().NotBefore).Add(time.Minute))) // it could be promoted now
		tags := map[string]*string{}
		for tag, value := range head[0].Tags {
			tags[tag] = &value
		}
		people := outside{l.target.Store.(*store).api}
		people.set(t, name, head[0].Value, tags)
		covered := time.Now()
		after := pass()
		if after.Generation != before.Generation || after.Ready == nil || after.Ready.At.Before(covered) {
			t.Fatalf("generation %d after %d, ready %v", after.Generation, before.Generation, after.Ready)
		}
		time.Sleep(wait + time.Minute)
		if after = pass(); after.Generation != before.Generation+1 {
			t.Errorf("generation %d after %d: it is not promoted a wait later", after.Generation, before.Generation)
		}
	})
}
