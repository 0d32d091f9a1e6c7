package azurekv

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var service = life.Service{
	New:     world,
	Changes: []string{"SetSecret", "UpdateSecret"},
	Faults: map[string]life.Fault{
		"503 after":            {Fault: fakes.Fault{After: &azurefake.Error{Status: 503, Code: "ServiceUnavailable", Message: "try again"}}},
		providertest.Throttled: {Fault: fakes.Fault{Before: &azurefake.Error{Status: 429, Code: "Throttled", Message: "too many requests", RetryAfter: 7}}},
		providertest.Denied:    {Fault: fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized"}}},
		providertest.TimedOut:  {Fault: fakes.Fault{Hold: 2 * timeout}},
		"arrives 30 h late":    {Fault: fakes.Fault{Wait: 30 * time.Hour}},
	},
	Failed: 1,
	Races: []life.Race{
		{Name: "with a key, and the service takes one at a time", Key: true, Unseen: true, Begin: func(w life.World) { w.Fake.(*azurefake.Fake).Serial(true) }},
		{Name: "with a key, half of them late", Key: true, Late: true},
	},
}

func world(testing.TB) life.World {
	f := azurefake.New()
	return life.World{
		Fake: f, Script: &f.Script,
		Open: func(context.Context) (providers.Store, error) { return onFake(f, Config{}), nil },
		Frozen: func(s providers.Store) providers.Store {
			frozen := *s.(*store)
			frozen.timeout = 1000 * time.Hour
			return &frozen
		},
		Ends: func(l *life.Life, head providers.Revision, set *keyset.Set) { oneIsRead(l, f, head, set) },
	}
}

// oneIsRead is promise 4, as far as Azure goes: applications read the head, and
// nothing that is enabled holds another key. Of the other versions their tags are
// left, and a value that someone has to enable again before anyone can read it.
func oneIsRead(l *life.Life, f *azurefake.Fake, head providers.Revision, set *keyset.Set) {
	l.T.Helper()
	versions := f.Versions(name)
	if newest := versions[len(versions)-1]; !newest.Enabled || newest.Value != string(head.Value.Reveal()) {
		l.T.Errorf("applications do not read the head, but version %s", newest.ID)
	}
	for _, v := range versions {
		for _, text := range l.Superseded(set) {
			if v.Enabled && strings.Contains(v.Value, text) {
				l.T.Errorf("version %s can still be read and holds a key that is not current", v.ID)
			}
		}
	}
}

func newLife(t testing.TB) (*life.Life, *azurefake.Fake) {
	w := world(t)
	return life.New(t, w), w.Fake.(*azurefake.Fake)
}

// 6 writes, 5 erasures, 2 looks for a deleted secret.
func TestOneLife(t *testing.T) {
	service.OneLife(t, map[string]int{"SetSecret": 6, "UpdateSecret": 5, "GetDeletedSecret": 2})
}

// After retirement exactly one version can be read, and rotate was challenged once.
func TestOneVersionIsEnabledAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		l.Run(life.Every + 4*life.Day)
		enabled := 0
		for _, v := range f.Versions(name) {
			if v.Enabled {
				enabled++
			}
		}
		if enabled != 1 || f.Challenges() != 1 {
			t.Errorf("%d versions are enabled after %d challenges, want the head alone, and one", enabled, f.Challenges())
		}
	})
}

func TestPromise10EveryCallMayFail(t *testing.T) { service.EveryCallMayFail(t) }

// Some rotators are late by hours, when the race is long decided. What the losers
// put is what applications read until the first Read that follows.
func TestPromise5SixteenRotators(t *testing.T) { service.SixteenRotators(t) }

// Answers that are as old as the store declares, for a whole life: of the
// listing, of the value, of both.
func TestLifeOnStaleReads(t *testing.T) {
	for _, ops := range [][]string{{"GetSecretVersions"}, {"GetSecret"}, {"GetSecretVersions", "GetSecret"}} {
		synctest.Test(t, func(t *testing.T) {
			l, f := newLife(t)
			for _, op := range ops {
				f.Stale(op, stale)
			}
			l.Run(life.Every + 5*life.Day)
			for _, op := range ops {
				f.Stale(op, 0)
			}
			l.EndsWell()
			if n := len(f.Versions(name)); n != 6 {
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
		l, f := newLife(t)
		l.Run(life.Every - time.Hour) // the next key is published and waits
		wait := l.Target.Policy.Propagation + l.Target.Policy.Skew()
		head := f.Versions(name)
		pass := func() *keyset.Set {
			return l.Pass(engine.Ask{}).Set
		}
		before := pass()
		if next, ok := before.Next(); !ok || before.Ready == nil || before.Ready.Kid != next.Kid {
			t.Fatalf("no next key is waiting: %+v", before)
		}
		time.Sleep(time.Until(l.Target.Policy.Due(before.Signing().NotBefore).Add(time.Minute))) // it could be promoted now
		tags := map[string]*string{}
		for tag, value := range head[0].Tags {
			tags[tag] = &value
		}
		people := outside{l.Target.Store.(*store).api}
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
