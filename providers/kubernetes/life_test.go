package kubernetes

import (
	"context"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var service = life.Service{
	New:     world,
	Changes: []string{"POST", "PUT"},
	Faults: map[string]life.Fault{
		"500 before":           {Fault: fakes.Fault{Before: fakes.Status{Code: 500}}},
		"503 before":           {Fault: fakes.Fault{Before: fakes.Status{Code: 503}}},
		"504 before":           {Fault: fakes.Fault{Before: fakes.Status{Code: 504}}},
		providertest.Throttled: {Fault: fakes.Fault{Before: fakes.Status{Code: 429}}},
		providertest.Denied:    {Fault: fakes.Fault{Before: fakes.Status{Code: 403}}},
		"401":                  {Fault: fakes.Fault{Before: fakes.Status{Code: 401}}},
		"quota conflict":       {Fault: fakes.Fault{Before: fakes.Status{Code: 409}}},
		"done, then a page":    {Fault: fakes.Fault{After: fakes.Status{Code: 502, Echo: true}}},
		"done, then 504":       {Fault: fakes.Fault{After: fakes.Status{Code: 504}}},
		providertest.TimedOut:  {Fault: fakes.Fault{Hold: 30 * time.Hour}},
	},
	Failed: 2,
}

// world is an API server on which rotate has the rights that its documentation
// grants.
func world(t testing.TB) life.World {
	f, v := fakeServer()
	return life.World{
		Fake: f, Script: &f.Script,
		Open: func(context.Context) (providers.Store, error) {
			return v.open(t, Config{Namespace: namespace}, "rotate"), nil
		},
		Ends: func(l *life.Life, _ providers.Revision, set *keyset.Set) {
			for _, text := range l.Superseded(set) {
				if f.Readable(text) {
					l.T.Error("promise 4: a key that is not current can still be read")
				}
			}
		},
	}
}

func newLife(t testing.TB) (*life.Life, *kubefake.Fake) {
	w := world(t)
	return life.New(t, w), w.Fake.(*kubefake.Fake)
}

// What a life costs: docs/providers/kubernetes.md explains each kind of call.
func TestOneLife(t *testing.T) {
	service.OneLife(t, map[string]int{"POST": 1, "PUT": 5, "DELETE": 0, "POST dry": 0})
}

func TestPromise10EveryCallMayFail(t *testing.T) { service.EveryCallMayFail(t) }

func TestPromise5SixteenRotators(t *testing.T) { service.SixteenRotators(t) }
