package gcpsm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var service = life.Service{
	New:     world,
	Changes: []string{"CreateSecret", "AddSecretVersion", "UpdateSecret", "DestroySecretVersion"},
	Faults: map[string]life.Fault{
		providertest.TimedOut:  {Fault: fakes.Fault{Wait: 2 * timeout}},
		providertest.Denied:    {Fault: fakes.Fault{Before: status.Error(codes.PermissionDenied, "Permission denied")}},
		providertest.Throttled: {Fault: fakes.Fault{Before: status.Error(codes.ResourceExhausted, "Quota exceeded")}},
		// Of a read it stops the key with an alarm, as it should: see TestErrors.
		"KMS":       {Fault: fakes.Fault{Before: status.Error(codes.FailedPrecondition, "KMS key is disabled")}, Skip: func(c fakes.Call) bool { return c.Kind == "AccessSecretVersion" }},
		"500 after": {Fault: fakes.Fault{After: status.Error(codes.Internal, "internal error")}},
	},
	Failed: 1,
	Races:  []life.Race{{Name: "made by Terraform", Begin: func(w life.World) { w.Fake.(*gcpfake.Fake).Edit(name, func(*gcpfake.Secret) {}) }}},
}

func world(t testing.TB) life.World {
	f := people()
	f.Limit()
	return life.World{
		Fake: f, Script: &f.Script,
		Open: func(context.Context) (providers.Store, error) { return directly(t, f), nil },
		Frozen: func(s providers.Store) providers.Store {
			s.(*store).api.CallOptions = &secretmanager.CallOptions{}
			return s
		},
		Ends: func(l *life.Life, _ providers.Revision, set *keyset.Set) {
			nothingElseIsReadable(l, l.Target.Store.(*store), l.Target.Secret, l.Superseded(set))
		},
	}
}

func newLife(t testing.TB) (*life.Life, *gcpfake.Fake) {
	w := world(t)
	return life.New(t, w), w.Fake.(*gcpfake.Fake)
}

// traces is how gone each removed key is, as a process that only looks finds it.
func traces(l *life.Life) []rotation.Trace {
	l.T.Helper()
	r, err := l.Engine.Look(context.Background(), l.Target, engine.Ask{})
	must(l.T, err)
	return rotation.Traces(time.Now(), r.Set, engine.Places(l.Engine.Past(context.Background(), l.Target, r, true)))
}

// nothingElseIsReadable is promise 4 through every read that the API has: each
// version by its number, each alias, and `latest`, which can be read.
func nothingElseIsReadable(l *life.Life, s *store, secret string, superseded []string) {
	l.T.Helper()
	ctx := context.Background()
	get, err := s.api.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: s.secret(secret)})
	must(l.T, err)
	names := slices.Collect(maps.Keys(get.GetVersionAliases()))
	for v, err := range s.api.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: get.GetName(), PageSize: 2}).All() {
		must(l.T, err)
		names = append(names, fmt.Sprint(number(v)))
		if number(v) != get.GetVersionAliases()[aliasName] && !gone(v) {
			// The copy that stands in for `latest` may stay; it is read below.
			if st, err := newState(get); err != nil || st.rec.Copy != number(v) {
				l.T.Errorf("version %d is left, %s", number(v), v.GetState())
			}
		}
	}
	for _, which := range append(names, "latest") {
		out, err := s.api.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: get.GetName() + "/versions/" + which})
		if err != nil {
			if which == "latest" || which == aliasName {
				l.T.Errorf("%s: %v", which, err)
			}
			continue
		}
		for _, text := range superseded {
			if strings.Contains(string(out.GetPayload().GetData()), text) {
				l.T.Errorf("promise 4: %s still holds a key that is not current", which)
			}
		}
	}
}

// A write after the first patches twice and adds once; the first creates in place
// of its first patch.
func TestOneLife(t *testing.T) {
	service.OneLife(t, map[string]int{"CreateSecret": 1, "AddSecretVersion": 6, "UpdateSecret": 11, "DestroySecretVersion": 5})
}

func TestPromise10EveryCallMayFail(t *testing.T) { service.EveryCallMayFail(t) }

func TestPromise5SixteenRotators(t *testing.T) { service.SixteenRotators(t) }

// Reads that are as old as the store declares, for a whole life.
func TestLifeOnStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		f.Stale(stale)
		l.Run(life.Every + 5*life.Day)
		f.Stale(0)
		l.Run(life.Day)
		l.EndsWell()
	})
}

// Where the secret has a version_destroy_ttl, what is erased is disabled until
// then, and History does not list it again.
func TestLifeWithDelayedDestruction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		f.Edit(name, func(s *gcpfake.Secret) { s.VersionDestroyTtl = durationOf(7 * life.Day) })
		l.Run(life.Every + 4*life.Day)
		l.EndsWell()
		until := 0
		for _, ev := range l.Events() {
			if ev.Action == "erase" && ev.How == string(providers.Disabled) && ev.Until != nil && ev.Until.Year() == 2000 {
				until++
			}
		}
		if held := f.Held(name); until != 5 || len(held) == 1 {
			t.Errorf("%d erasures tell of it, want 5; %d versions are held", until, len(held))
		}
		must(t, l.Start()) // a process that has erased nothing itself
		if tr := traces(l); len(tr) != 1 || tr[0].How != string(providers.Disabled) || tr[0].Until.IsZero() || !tr[0].Observed {
			t.Errorf("how gone the removed key is: %+v", tr)
		}
		time.Sleep(8 * life.Day)
		if tr := traces(l); len(tr) != 1 || tr[0].How != string(providers.Destroyed) || !tr[0].Until.IsZero() {
			t.Errorf("a week later the removed key is: %+v", tr)
		}
		if held := f.Held(name); len(held) != 1 {
			t.Errorf("a week later %d versions are held", len(held))
		}
	})
}
