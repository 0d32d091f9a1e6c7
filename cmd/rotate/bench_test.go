package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/bench/pair"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

type memoryStore struct{ store providers.Store }

func (m *memoryStore) Open(context.Context) (providers.Store, error) { return m.store, nil }

// The public keys of one key, over HTTP on the loopback, against net/http with
// the same header and bytes from memory. A daemon with many other keys answers as one with
// none.
func BenchmarkJWKS(b *testing.B) {
	for _, n := range []int{1, 1_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			daemon := httptest.NewServer(daemonOf(b, n).Handler())
			defer daemon.Close()
			client := daemon.Client()
			fetch := func(url string) (http.Header, []byte) {
				res, err := client.Get(url)
				if err != nil {
					b.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res.Status, err)
				}
				return res.Header, body
			}
			ours := daemon.URL + "/keys/k0/jwks.json"
			header, doc := fetch(ours)
			fixed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), header)
				_, _ = w.Write(doc)
			}))
			defer fixed.Close()
			b.ResetTimer()
			pair.Ratio(b, func() { fetch(ours) }, func() { fetch(fixed.URL) })
		})
	}
}

// What a probe, a scrape and a look at everything cost a daemon of 1,000 keys.
func BenchmarkEndpoints(b *testing.B) {
	handler := daemonOf(b, 1_000).Handler()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status", "/", "/.well-known/jwks.json"} {
		b.Run(cmp.Or(path[1:], "page"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// daemonOf is a daemon that has looked at n keys, in memory, and goes on until b
// ends.
func daemonOf(b *testing.B, n int) *daemon.Daemon {
	b.Helper()
	var text strings.Builder
	text.WriteString("environment: test\nstores: {m: {type: memory}}\ndefaults: {store: m, algorithm: ES256}\nkeys:\n")
	for i := range n {
		fmt.Fprintf(&text, "  k%d: {}\n", i)
	}
	path := filepath.Join(b.TempDir(), "rotate.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	store := &memoryStore{memory.New()}
	d, err := daemonAt(path, stores.Registry{"memory": func() providers.Config { return store }}, quiet)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- d.Rotate(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			b.Error(err)
		}
	})
	for ready := httptest.NewRecorder(); ; ready = httptest.NewRecorder() {
		if d.Handler().ServeHTTP(ready, httptest.NewRequest("GET", "/readyz", nil)); ready.Code == http.StatusOK {
			return d
		}
		time.Sleep(time.Millisecond)
	}
}
