package gcpsm

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// The contract and one short life in a real project: `make live-gcpsm`. Every
// secret it makes has the label rotate-live and is deleted again; it needs the
// role secretmanager.admin there, because the cases do what people do, too.
func TestLive(t *testing.T) {
	project := os.Getenv("ROTATE_GCPSM_LIVE")
	if project == "" {
		t.Skip("ROTATE_GCPSM_LIVE names no project: see `make live-gcpsm`")
	}
	conf := Config{Project: project, Location: os.Getenv("ROTATE_GCPSM_LIVE_LOCATION"), Labels: map[string]string{"rotate-live": "true"}}
	opened, err := conf.Open(t.Context())
	must(t, err)
	base := opened.(*store)
	t.Cleanup(func() { must(t, base.api.Close()) })
	fresh := func(t testing.TB) *prefixed {
		p := &prefixed{store: base, prefix: "rotate-live-" + strings.ToLower(rand.Text()[:10]) + "-", made: &sync.Map{}}
		t.Cleanup(func() { p.remove(t) })
		return p
	}
	t.Run("contract", func(t *testing.T) {
		out := func(s providers.Store) (outside, string) { return outside{s.(*prefixed).store}, s.(*prefixed).prefix }
		h := harness(func(testing.TB) *store { return base })
		h.New = func(t testing.TB) providers.Store { return fresh(t) }
		h.Reopen = func(_ testing.TB, s providers.Store) providers.Store { again := *s.(*prefixed); return &again }
		h.Wait = func(testing.TB, time.Duration) { time.Sleep(time.Second) } // what is older than that is a finding
		h.Lose = func(t testing.TB, s providers.Store, name string) {
			o, prefix := out(s)
			o.disable(t, prefix+name, o.alias(t, prefix+name))
		}
		h.Tamper = func(t testing.TB, s providers.Store, name string, value []byte) {
			o, prefix := out(s)
			o.point(t, prefix+name, o.put(t, prefix+name, string(value)))
		}
		inner := h.Restore
		h.Restore = func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			inner(t, s.(*prefixed).store, s.(*prefixed).prefix+name, old)
		}
		providertest.Run(t, h)
	})
	t.Run("a life", func(t *testing.T) {
		p := fresh(t)
		l := life.New(t, life.World{})
		l.Engine = life.NewEngine(func(engine.Event) {})
		l.Target = engine.Target{
			Name: "auth-jwt", Environment: "production", StoreName: "google", Store: p, Secret: "auth-jwt",
			Policy: rotation.Policy{Schedule: rotation.Every(time.Hour), Grace: time.Second}, Generate: l.Generate,
		}
		for range 200 {
			res, err := l.Engine.Pass(context.Background(), l.Target, engine.Ask{})
			if err == nil && res.Set != nil && res.Set.Generation == 1 {
				res, err = l.Engine.Pass(context.Background(), l.Target, engine.Ask{Rotate: true, ID: "the one request", By: "test"})
			}
			must(t, err)
			if res.Set != nil && len(res.Set.Gone) == 1 {
				nothingElseIsReadable(l, base, p.prefix+"auth-jwt", l.Superseded(res.Set))
				return
			}
			time.Sleep(time.Second)
		}
		t.Error("it does not end")
	})
}

// A prefixed store puts a prefix before each name, and knows what it made.
type prefixed struct {
	*store
	prefix string
	made   *sync.Map
}

func (p *prefixed) full(name string) string {
	if name == "" {
		return ""
	}
	return p.prefix + name
}

func (p *prefixed) Read(ctx context.Context, name string) (providers.Revision, error) {
	return p.store.Read(ctx, p.full(name))
}

func (p *prefixed) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	p.made.Store(name, true)
	return p.store.Write(ctx, p.full(name), v, after, n)
}

func (p *prefixed) History(ctx context.Context, name string) ([]providers.Revision, error) {
	return p.store.History(ctx, p.full(name))
}

func (p *prefixed) Erase(ctx context.Context, name string, which, above providers.RevisionID) (providers.Erasure, error) {
	return p.store.Erase(ctx, p.full(name), which, above)
}

func (p *prefixed) remove(t testing.TB) {
	p.made.Range(func(name, _ any) bool {
		if full := p.full(name.(string)); takesName(full) {
			err := p.api.DeleteSecret(context.Background(), &secretmanagerpb.DeleteSecretRequest{Name: p.secret(full)})
			t.Logf("deleting %s: %v", full, err)
		}
		return true
	})
}
