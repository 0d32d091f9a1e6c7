package gcpsm

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

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
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
	fake   *gcpfake.Fake
	store  *store
	target engine.Target
	engine *engine.Engine

	mu     sync.Mutex
	late   bool // a write may land after its pass has ended, and then no event tells of it
	made   []string
	events []engine.Event
	errs   []error
}

func newLife(t *testing.T) *life {
	fake := people()
	fake.Limit()
	return lifeOn(t, fake, directly(t, fake), name)
}

func lifeOn(t *testing.T, fake *gcpfake.Fake, s *store, secretName string) *life {
	l := &life{t: t, fake: fake, store: s}
	l.target = engine.Target{
		Name: "auth-jwt", Environment: "production", StoreName: "google", Store: s, Secret: secretName,
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

// traces is how gone each removed key is, as a process that only looks finds it.
func (l *life) traces() []rotation.Trace {
	l.t.Helper()
	r, err := l.engine.Look(context.Background(), l.target, engine.Ask{})
	must(l.t, err)
	return rotation.Traces(time.Now(), r.Set, engine.Places(l.engine.Past(context.Background(), l.target, r, true)))
}

// endsWell checks that a creation and a rotation are done and nothing is left:
// one lineage, one key, and no alarm on the way.
func (l *life) endsWell() {
	l.t.Helper()
	rev, err := l.store.Read(context.Background(), l.target.Secret)
	must(l.t, err)
	set, err := keyset.Parse(rev.Value.Reveal())
	must(l.t, err)
	if set.Generation != 4 || len(set.Keys) != 1 || len(set.Gone) != 1 {
		l.t.Errorf("ends at generation %d with %d keys and %d gone", set.Generation, len(set.Keys), len(set.Gone))
	} else if kept := set.Gone[0].At.Sub(set.Signing().NotBefore); kept < grace {
		l.t.Errorf("promise 3: the old key went %s after the promotion", kept)
	}
	if rev.Note.Generation != set.Generation || rev.Note.Digest != set.Digest {
		l.t.Errorf("the note is %+v", rev.Note)
	}
	l.nothingElseIsReadable(string(set.Signing().Text().Reveal()))
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
		if n := len(done[string(action)]); n > 1 || n == 0 && !l.late {
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

// nothingElseIsReadable is promise 4 through every read that the API has: each
// version by its number, each alias, and `latest`, which can be read.
func (l *life) nothingElseIsReadable(current string) {
	l.t.Helper()
	ctx := context.Background()
	get, err := l.store.api.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: l.store.secret(l.target.Secret)})
	must(l.t, err)
	names := slices.Collect(maps.Keys(get.GetVersionAliases()))
	for v, err := range l.store.api.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: get.GetName(), PageSize: 2}).All() {
		must(l.t, err)
		names = append(names, fmt.Sprint(number(v)))
		if number(v) != get.GetVersionAliases()[aliasName] && !gone(v) {
			// The copy that stands in for `latest` may stay; it is read below.
			if st, err := newState(get); err != nil || st.rec.Copy != number(v) {
				l.t.Errorf("version %d is left, %s", number(v), v.GetState())
			}
		}
	}
	for _, which := range append(names, "latest") {
		out, err := l.store.api.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: get.GetName() + "/versions/" + which})
		if err != nil {
			if which == "latest" || which == aliasName {
				l.t.Errorf("%s: %v", which, err)
			}
			continue
		}
		for _, text := range l.made {
			if text != current && strings.Contains(string(out.GetPayload().GetData()), text) {
				l.t.Errorf("promise 4: %s still holds a key that is not current", which)
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
			count[c.RPC]++
		}
		l.endsWell()
		t.Logf("one life of %d days (create, publish, ready, promote, settled, retire; 5 erasures): %v", int(every/day)+4, count)
		// A write after the first patches twice and adds once; the first creates in
		// place of its first patch.
		for rpc, n := range map[string]int{"CreateSecret": 1, "AddSecretVersion": 6, "UpdateSecret": 11, "DestroySecretVersion": 5} {
			if count[rpc] != n {
				t.Errorf("%s was called %d times, want %d", rpc, count[rpc], n)
			}
		}
		if len(l.errs) > 0 {
			t.Error(l.errs)
		}
	})
}

// Promise 10: each call of a life fails before it is made, is applied and loses
// its reply, is applied after its caller gave up, is refused, or is held for 30
// hours while another process goes on.
func TestPromise10EveryCallMayFail(t *testing.T) {
	var calls []gcpfake.Call
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.run(every + 4*day)
		calls = l.fake.Calls()
	})
	kinds := map[string]gcpfake.Fault{
		providertest.FailsBefore: {Before: gcpfake.ErrLost},
		providertest.ReplyLost:   {After: gcpfake.ErrLost},
		providertest.TimedOut:    {Late: 2 * timeout},
		providertest.Denied:      {Before: status.Error(codes.PermissionDenied, "Permission denied")},
		providertest.Throttled:   {Before: status.Error(codes.ResourceExhausted, "Quota exceeded")},
		"KMS":                    {Before: status.Error(codes.FailedPrecondition, "KMS key is disabled")},
		"500 after":              {After: status.Error(codes.Internal, "internal error")},
	}
	points := providertest.Points{}
	for i, c := range calls {
		read := func(j int) bool {
			return j < 0 || j >= len(calls) || calls[j].RPC == "GetSecret" || calls[j].RPC == "AccessSecretVersion"
		}
		if read(i-2) && read(i-1) && read(i) && read(i+1) && read(i+2) {
			continue // one of many idle reads
		}
		for _, word := range slices.Sorted(maps.Keys(kinds)) {
			if c.RPC == "AccessSecretVersion" && word == "KMS" {
				continue // stops the key with an alarm, as it should: see TestErrors
			}
			points.Add(c.RPC, word)
			t.Run(fmt.Sprintf("call %d, %s %d, %s", c.All, c.RPC, c.N, word), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l, fault := newLife(t), kinds[word]
					l.late = fault.Late > 0
					l.fake.On(nth(c.All, fault))
					l.run(every + 5*day)
					l.endsWell()
					if len(l.errs) > 1 {
						t.Errorf("it took more than two passes: %v", l.errs)
					}
				})
			})
		}
		for _, after := range []bool{false, true} {
			if read(i) && after {
				continue // a read that is held is held
			}
			points.Add(c.RPC, map[bool]string{false: providertest.Paused, true: "paused after it"}[after])
			t.Run(fmt.Sprintf("call %d, %s %d, held, after it %v", c.All, c.RPC, c.N, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { heldLife(t, c.All, after) })
			})
		}
	}
	points.Report(t, len(calls), "CreateSecret", "AddSecretVersion", "UpdateSecret", "DestroySecretVersion")
}

// heldLife is a life in which a process is frozen around one call, for 30 hours
// in which another one goes on.
func heldLife(t *testing.T, call int, after bool) {
	l := newLife(t)
	other := lifeOn(t, l.fake, directly(t, l.fake), name)
	// A process that is stopped does not see its deadlines pass.
	l.store.api.CallOptions = &secretmanager.CallOptions{}
	thaw, frozen := make(chan struct{}), make(chan struct{})
	fault := gcpfake.Fault{Paused: frozen, PauseBefore: thaw}
	if after {
		fault = gcpfake.Fault{Paused: frozen, PauseAfter: thaw}
	}
	l.fake.On(nth(call, fault))
	var wg sync.WaitGroup
	wg.Go(func() { l.run(every + 5*day) })
	wg.Go(func() {
		<-frozen
		other.run(30 * time.Hour)
		close(thaw)
	})
	wg.Wait()
	l.made, l.events = append(l.made, other.made...), append(l.events, other.events...)
	l.run(2 * day)
	l.endsWell()
}

func nth(all int, fault gcpfake.Fault) func(gcpfake.Call) *gcpfake.Fault {
	return func(c gcpfake.Call) *gcpfake.Fault {
		if c.All != all {
			return nil
		}
		return &fault
	}
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
					l.fake.Edit(name, func(*gcpfake.Secret) {})
				case "with a key":
					if _, err := l.engine.Pass(context.Background(), l.target, engine.Ask{}); err != nil {
						t.Fatal(err)
					}
					want = 2
				}
				gate := make(chan struct{})
				l.fake.On(func(c gcpfake.Call) *gcpfake.Fault {
					if c.RPC == "UpdateSecret" || c.RPC == "CreateSecret" {
						return &gcpfake.Fault{PauseBefore: gate}
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
				rev, err := l.store.Read(context.Background(), name)
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
		l.run(day)
		l.endsWell()
	})
}

// Where the secret has a version_destroy_ttl, what is erased is disabled until
// then, and History does not list it again.
func TestLifeWithDelayedDestruction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		l.fake.Edit(name, func(s *gcpfake.Secret) { s.VersionDestroyTtl = durationOf(7 * day) })
		l.run(every + 4*day)
		l.endsWell()
		until := 0
		for _, ev := range l.events {
			if ev.Action == "erase" && ev.How == string(providers.Disabled) && ev.Until != nil && ev.Until.Year() == 2000 {
				until++
			}
		}
		if held := l.fake.Held(name); until != 5 || len(held) == 1 {
			t.Errorf("%d erasures tell of it, want 5; %d versions are held", until, len(held))
		}
		l.engine = l.process() // that has erased nothing itself
		if tr := l.traces(); len(tr) != 1 || tr[0].How != string(providers.Disabled) || tr[0].Until.IsZero() || !tr[0].Observed {
			t.Errorf("how gone the removed key is: %+v", tr)
		}
		time.Sleep(8 * day)
		if tr := l.traces(); len(tr) != 1 || tr[0].How != string(providers.Destroyed) || !tr[0].Until.IsZero() {
			t.Errorf("a week later the removed key is: %+v", tr)
		}
		if held := l.fake.Held(name); len(held) != 1 {
			t.Errorf("a week later %d versions are held", len(held))
		}
	})
}
