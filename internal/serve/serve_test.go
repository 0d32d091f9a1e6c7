package serve_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
	"github.com/keyrotate/rotate/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now    = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	policy = rotation.Policy{Schedule: rotation.Every(90 * 24 * time.Hour), Grace: 48 * time.Hour, Propagation: 2 * time.Hour}
)

func asymmetric(t *testing.T) keyset.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyset.NewAsymmetric(keyset.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func symmetric(t *testing.T) keyset.Key {
	t.Helper()
	k, err := keyset.NewSymmetric("sym", keyset.HS256, secret.New([]byte(strings.Repeat("s", 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// known is a key whose last pass ended a minute ago.
func known(t *testing.T, name string, k keyset.Key) scheduler.State {
	t.Helper()
	set, err := keyset.Create(name, "test", "lineage", k, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	read := now.Add(-time.Minute)
	return scheduler.State{
		Environment: "test", Key: name, Store: "m", Ended: read, Well: read, Set: set, Read: read,
		Result: engine.Result{Set: set, Step: rotation.Step{Do: rotation.Wait, At: now.Add(80 * 24 * time.Hour)}, Clock: rotation.Clock{Wall: read}},
	}
}

func unread(name string) scheduler.State {
	return scheduler.State{Environment: "test", Key: name, Store: "m"}
}

// server answers for keys of the algorithm that the config asks for.
func server(log *bytes.Buffer, alg keyset.Algorithm, states ...scheduler.State) http.Handler {
	return (&serve.Server{
		Now: func() time.Time { return now },
		Keys: func() iter.Seq[live.Key] {
			return func(yield func(live.Key) bool) {
				for _, s := range states {
					if !yield(keyOf(alg, s)) {
						return
					}
				}
			}
		},
		Unseen: func() (first []string, unseen, keys int) {
			for _, s := range states {
				if s.Ended.IsZero() {
					unseen++
					first = append(first, s.Key)
				}
			}
			return first[:min(5, len(first))], unseen, len(states)
		},
		Key: func(name string) (live.Key, bool) {
			i := slices.IndexFunc(states, func(s scheduler.State) bool { return s.Key == name })
			if i < 0 {
				return live.Key{}, false
			}
			return keyOf(alg, states[i]), true
		},
		Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic([3]byte{7, 7, 7}) }),
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	}).Handler()
}

func keyOf(alg keyset.Algorithm, s scheduler.State) live.Key {
	target := engine.Target{Name: s.Key, Environment: "test", StoreName: "m", Store: memory.New(), Secret: "test-" + s.Key, Policy: policy}
	return live.Of(now, status.Facts{Target: target, Algorithm: alg, Late: time.Hour}, s)
}

func get(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPaths(t *testing.T) {
	es, hs := known(t, "es", asymmetric(t)), known(t, "hs", symmetric(t))
	failed := es
	failed.Err = errors.New("no route")
	halted := es
	halted.Result = engine.Result{Step: rotation.Step{Do: rotation.Halt, Why: rotation.Reason{Code: rotation.Spoilt, Cause: "edited"}}}
	soon := es
	soon.Result.Step.At = now.Add(10 * time.Minute)
	old := es
	old.Read = now.Add(-3 * time.Hour)
	for _, c := range []struct {
		what         string
		states       []scheduler.State
		method, path string
		code         int
		body, cache  string
	}{
		{"alive", nil, "GET", "/healthz", 200, "ok", "no-store"},
		{"ready", []scheduler.State{es, hs}, "GET", "/readyz", 200, "ready: 2 keys", "no-store"},
		{"a failure is known, too", []scheduler.State{failed}, "GET", "/readyz", 200, "ready", "no-store"},
		{"one is not read", []scheduler.State{es, unread("x")}, "GET", "/readyz", 503, "1 of 2 keys not read yet: x", "no-store"},
		{"the report", []scheduler.State{es}, "GET", "/status", 200, `"schema": "rotate/status/v1"`, "no-store"},
		{"one key", []scheduler.State{es, hs}, "GET", "/keys/es/jwks.json", 200, `"crv":"P-256"`, "public, max-age=7140, must-revalidate"},
		{"all public keys", []scheduler.State{es, hs}, "GET", "/.well-known/jwks.json", 200, `"crv":"P-256"`, "public, max-age=7140, must-revalidate"},
		{"not beyond what is planned", []scheduler.State{soon}, "GET", "/keys/es/jwks.json", 200, `"kid"`, "public, max-age=600, must-revalidate"},
		{"read a propagation ago", []scheduler.State{old}, "GET", "/keys/es/jwks.json", 200, `"kid"`, "no-cache"},
		{"its store failed", []scheduler.State{failed}, "GET", "/keys/es/jwks.json", 200, `"kid"`, "no-cache"},
		{"halted", []scheduler.State{halted}, "GET", "/keys/es/jwks.json", 200, `"kid"`, "no-cache"},
		{"symmetric", []scheduler.State{es, hs}, "GET", "/keys/hs/jwks.json", 404, "no public keys", "no-store"},
		{"only symmetric", []scheduler.State{hs}, "GET", "/.well-known/jwks.json", 404, "no public keys", "no-store"},
		{"unknown", []scheduler.State{es}, "GET", "/keys/xx/jwks.json", 404, "no public keys", "no-store"},
		{"a part is not the whole", []scheduler.State{es, unread("x")}, "GET", "/.well-known/jwks.json", 503, "x was not read yet", "no-store"},
		{"not for writing", []scheduler.State{es}, "POST", "/keys/es/jwks.json", 405, "", ""},
		{"not for writing", nil, "DELETE", "/status", 405, "", ""},
		{"no profiles", nil, "GET", "/debug/pprof/heap", 404, "", ""},
		{"no variables", nil, "GET", "/debug/vars", 404, "", ""},
		{"the page", []scheduler.State{es, hs}, "GET", "/", 200, "<b>es</b>", "no-store"},
		{"a page that is not there", nil, "GET", "/?token=x", 400, "this page has", "no-store"},
		{"no folder", nil, "GET", "/keys/", 404, "", ""},
	} {
		w := get(server(&bytes.Buffer{}, keyset.ES256, c.states...), c.method, c.path)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) || w.Header().Get("Cache-Control") != c.cache {
			t.Errorf("%s: %s %s: %d, Cache-Control %q, want %d, %q:\n%s", c.what, c.method, c.path, w.Code, w.Header().Get("Cache-Control"), c.code, c.cache, w.Body)
		}
		if head := get(server(&bytes.Buffer{}, keyset.ES256, c.states...), "HEAD", c.path); c.method == "GET" && head.Code != c.code {
			t.Errorf("%s: HEAD %d", c.what, head.Code)
		}
	}
}

// TestETag: the same keys have the same tag, which saves sending them again;
// other keys have another.
func TestETag(t *testing.T) {
	es := known(t, "es", asymmetric(t))
	h := server(&bytes.Buffer{}, keyset.ES256, es)
	first := get(h, "GET", "/keys/es/jwks.json")
	tag := first.Header().Get("ETag")
	again := get(h, "GET", "/keys/es/jwks.json", "If-None-Match", tag)
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("Cache-Control") != first.Header().Get("Cache-Control") {
		t.Errorf("%d %q %v", again.Code, again.Body, again.Header())
	}
	next, err := es.Set.Publish(asymmetric(t), now)
	if err != nil {
		t.Fatal(err)
	}
	es.Set, es.Result.Set = next, next
	changed := get(server(&bytes.Buffer{}, keyset.ES256, es), "GET", "/keys/es/jwks.json", "If-None-Match", tag)
	if changed.Code != http.StatusOK || changed.Header().Get("ETag") == tag {
		t.Errorf("%d %v", changed.Code, changed.Header())
	}
	head := get(h, "HEAD", "/keys/es/jwks.json")
	if head.Body.Len() > 0 || head.Header().Get("ETag") != tag {
		t.Errorf("%q %v", head.Body, head.Header())
	}
}

// TestETagConcurrently: however many ask while keys change, a tag belongs to the
// body that it came with. Run it with -race.
func TestETagConcurrently(t *testing.T) {
	es := known(t, "es", asymmetric(t))
	next, err := es.Set.Publish(asymmetric(t), now)
	if err != nil {
		t.Fatal(err)
	}
	published := es
	published.Set, published.Result.Set = next, next
	var turn atomic.Int64
	h := (&serve.Server{
		Key: func(string) (live.Key, bool) {
			if turn.Add(1)%3 == 0 {
				return keyOf(keyset.ES256, published), true
			}
			return keyOf(keyset.ES256, es), true
		},
		Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler),
	}).Handler()
	var mu sync.Mutex
	bodies := map[string]string{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				w := get(h, "GET", "/keys/es/jwks.json")
				tag, body := w.Header().Get("ETag"), w.Body.String()
				mu.Lock()
				if was, known := bodies[tag]; known && was != body || body == "" {
					t.Errorf("the tag %s stands for\n%s\nand\n%s", tag, was, body)
				}
				bodies[tag] = body
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(bodies) != 2 {
		t.Errorf("%d tags for two key sets", len(bodies))
	}
}

// TestPromise7PublicHalvesOnly: nothing that signs is served, also where a key's
// algorithm was changed and symmetric keys still verify.
func TestPromise7PublicHalvesOnly(t *testing.T) {
	mixed := known(t, "es", asymmetric(t))
	set, err := mixed.Set.Publish(symmetric(t), now)
	if err != nil {
		t.Fatal(err)
	}
	mixed.Set, mixed.Result.Set = set, set
	h := server(&bytes.Buffer{}, keyset.ES256, mixed)
	for _, path := range []string{"/keys/es/jwks.json", "/.well-known/jwks.json"} {
		var doc struct{ Keys []map[string]any }
		if err := json.Unmarshal(get(h, "GET", path).Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Keys) != 1 {
			t.Errorf("%s: %d keys, want the asymmetric one", path, len(doc.Keys))
		}
		for _, k := range doc.Keys {
			for _, private := range []string{"d", "k", "p", "q", "dp", "dq", "qi"} {
				if _, has := k[private]; has {
					t.Errorf("%s has the member %s", path, private)
				}
			}
		}
	}
}

// TestPromise7PanicIsContained: neither the answer nor the log holds the value.
func TestPromise7PanicIsContained(t *testing.T) {
	var log bytes.Buffer
	w := get(server(&log, keyset.ES256), "GET", "/metrics")
	said := w.Body.String() + log.String()
	if w.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "[3]uint8") || !strings.Contains(log.String(), "serve_test.go") {
		t.Errorf("%d %s", w.Code, said)
	}
	if strings.Contains(said, "7 7 7") || strings.Contains(said, "0x7") {
		t.Error("the value of a panic was told")
	}
}
