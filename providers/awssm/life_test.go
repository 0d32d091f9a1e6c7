package awssm

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

const (
	day   = 24 * time.Hour
	every = 10 * day
	grace = 48 * time.Hour
)

// A life is one key on a fake, through the whole engine, in a synctest bubble.
type life struct {
	t      *testing.T
	fake   *awsfake.Fake
	target engine.Target
	engine *engine.Engine

	mu     sync.Mutex
	made   []string
	events []engine.Event
	errs   []error
}

func newLife(t *testing.T) *life {
	l := &life{t: t, fake: awsfake.New()}
	l.target = engine.Target{
		Name: "auth-jwt", Environment: "production", StoreName: "aws", Store: onFake(l.fake, Config{}), Secret: name,
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

// run is what a daemon does: it sleeps until the step says, looks once a day,
// and tries again a minute after an error.
func (l *life) run(d time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		res, err := l.engine.Pass(context.Background(), l.target, engine.Ask{})
		wake := time.Now().Add(day)
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
// one lineage, one key, one label of ours, and no alarm on the way.
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
	values := l.fake.Values(name)
	for id, stages := range l.fake.Stages(name) {
		for _, text := range l.made {
			if current := string(set.Signing().Text().Reveal()) == text; !current && strings.Contains(values[id], text) {
				l.t.Errorf("version %s, labelled %v, still holds a key that is not current", id, stages)
			}
		}
	}
	if got := l.fake.Stages(name); len(got) != 1 {
		l.t.Errorf("labels are left on %d versions: %v", len(got), got)
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
	if len(l.errs) > 2 {
		l.t.Errorf("%d passes failed, want at most 2: %v", len(l.errs), l.errs)
	}
	for _, err := range l.errs {
		for _, text := range l.made {
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), text) {
				l.t.Errorf("an error holds a key")
			}
		}
	}
}

func TestOneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every + 4*day)
		count := map[string]int{}
		for _, c := range l.fake.Calls() {
			count[c.Action]++
		}
		l.endsWell()
		t.Logf("one life of %d days (create, publish, ready, promote, settled, retire; %d passes' reads; erasures): %v", int(every/day)+4, count["GetSecretValue"], count)
		if count["CreateSecret"] != 1 || count["PutSecretValue"] != 5 {
			t.Errorf("%v, want 6 writes", count)
		}
		if len(l.errs) > 0 {
			t.Error(l.errs)
		}
	})
}

// Promise 10: each call of a life fails before it is made, is applied and loses
// its reply, is refused, or is held for 30 hours while another process goes on.
// At a read one kind in turn is tried beside the first; $ROTATE_FULL tries all.
func TestPromise10EveryCallMayFail(t *testing.T) {
	var calls []awsfake.Call
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every + 4*day)
		calls = l.fake.Calls()
	})
	kinds := map[string]awsfake.Fault{
		providertest.FailsBefore: {Before: awsfake.ErrLost},
		providertest.ReplyLost:   {After: awsfake.ErrLost},
		"500 after":              {After: &awsfake.Error{Status: 500, Code: "InternalServiceError", Message: "An error occurred on the server side."}},
		"AccessDenied":           {Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized"}},
		"throttled":              {Before: &awsfake.Error{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}},
		providertest.Throttled:   {Before: &awsfake.Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded", RetryAfter: 7}},
		providertest.Denied:      {Before: &awsfake.Error{Status: 403, Code: "AccessDenied", Message: "an endpoint's policy"}},
		providertest.TimedOut:    {After: os.ErrDeadlineExceeded},
		"KMS":                    {Before: &awsfake.Error{Status: 400, Code: "EncryptionFailure", Message: "KMS key is disabled"}},
	}
	points := providertest.Points{}
	for i, c := range calls {
		idle := func(j int) bool {
			return j < 0 || j >= len(calls) || calls[j].Action == "DescribeSecret" || calls[j].Action == "GetSecretValue"
		}
		if idle(i-2) && idle(i-1) && idle(i) && idle(i+1) && idle(i+2) {
			continue // one of many idle reads
		}
		for j, word := range slices.Sorted(maps.Keys(kinds)) {
			if idle(i) && word != providertest.FailsBefore && (i+j)%len(kinds) != 0 && os.Getenv("ROTATE_FULL") == "" {
				continue
			}
			points.Add(c.Action, word)
			t.Run(fmt.Sprintf("call %d, %s %d, %s", c.All, c.Action, c.N, word), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l, fault := newLife(t), kinds[word]
					l.fake.On(func(c awsfake.Call) *awsfake.Fault {
						if c.All != calls[i].All {
							return nil
						}
						return &fault
					})
					l.run(every + 5*day)
					l.endsWell()
				})
			})
		}
		points.Add(c.Action, providertest.Paused)
		t.Run(fmt.Sprintf("call %d, %s %d, held", c.All, c.Action, c.N), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t)
				thaw, frozen := make(chan struct{}), make(chan struct{})
				l.fake.On(func(c awsfake.Call) *awsfake.Fault {
					if c.All != calls[i].All {
						return nil
					}
					return &awsfake.Fault{Paused: frozen, PauseBefore: thaw}
				})
				var wg sync.WaitGroup
				wg.Go(func() { l.run(every + 5*day) })
				wg.Go(func() {
					<-frozen
					other := life{t: t, fake: l.fake, target: l.target, engine: l.process()}
					other.run(30 * time.Hour)
					close(thaw)
				})
				wg.Wait()
				l.run(2 * day)
				l.endsWell()
			})
		})
	}
	points.Report(t, len(calls), "CreateSecret", "PutSecretValue", "UpdateSecretVersionStage")
}

// Sixteen rotators at once, on nothing and on a key: one creation, one rotation.
func TestPromise5SixteenRotators(t *testing.T) {
	for _, stage := range []string{"empty", "made by Terraform", "with a key"} {
		t.Run(stage, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLife(t)
				want := uint64(1)
				switch stage {
				case "made by Terraform":
					l.fake.Edit(name, func(*awsfake.Secret) {})
				case "with a key":
					if _, err := l.engine.Pass(context.Background(), l.target, engine.Ask{}); err != nil {
						t.Fatal(err)
					}
					want = 2
				}
				gate := make(chan struct{})
				l.fake.On(func(c awsfake.Call) *awsfake.Fault {
					if c.Action == "PutSecretValue" || c.Action == "CreateSecret" {
						return &awsfake.Fault{PauseBefore: gate}
					}
					return nil
				})
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						if _, err := l.process().Pass(context.Background(), l.target, engine.Ask{Rotate: true}); err != nil {
							t.Error(err)
						}
					})
				}
				time.Sleep(time.Second)
				l.fake.On(nil)
				close(gate)
				wg.Wait()
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
			})
		})
	}
}

// Reads that are as old as the store declares, for a whole life.
func TestLifeOnStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.fake.Stale(stale)
		l.run(every + 5*day)
		l.fake.Stale(0)
		l.endsWell()
	})
}

// An output of the format value keeps the version before readable, under
// AWSPREVIOUS, for as long as its key verifies, and no longer.
func TestValueOutputKeepsAWSPREVIOUS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		const value = "prod/mobile/jwt"
		l.target.Outputs = []engine.Output{{
			Name: "aws " + value, Store: l.target.Store, Secret: value, OneKey: true, Format: "value",
			Render: func(s *keyset.Set) (secret.Text, error) { return s.Signing().Text(), nil },
		}}
		previous := func() (texts []string) {
			values := l.fake.Values(value)
			for id, stages := range l.fake.Stages(value) {
				if slices.Contains(stages, "AWSPREVIOUS") {
					texts = append(texts, values[id])
				}
			}
			return texts
		}
		l.run(every + day)
		if got := previous(); len(got) != 1 || got[0] != l.made[0] {
			t.Errorf("in the grace %d values are AWSPREVIOUS, want the key before", len(got))
		}
		l.run(3 * day)
		values := l.fake.Values(value)
		for id, stages := range l.fake.Stages(value) {
			if len(stages) > 0 && values[id] == l.made[0] {
				t.Errorf("after the grace the old key is still labelled %v", stages)
			}
		}
		for _, err := range l.errs {
			t.Error(err)
		}
	})
}
