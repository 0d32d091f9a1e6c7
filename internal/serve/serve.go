// Package serve is what a daemon answers over HTTP. Everything is answered from
// memory, to anyone who reaches the address, and nothing holds key material:
//
//	/healthz                  the process runs and its scheduler answers
//	/readyz                   every key was read once, or why not is known
//	/metrics                  for Prometheus
//	/status                   the report rotate/status/v1
//	/                         the same for people: every key as a timeline
//	/keys/{name}/jwks.json    one key's public halves, a JWK Set (RFC 7517)
//	/.well-known/jwks.json    those of all keys
//
// Symmetric keys have no public half: for them there is nothing to fetch.
//
// There is no TLS and no login. The address is the loopback unless the config
// names another, and what stands in front of it decides who may ask.
package serve

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/page"
)

// The limits of a server whose answers are small and come from memory.
const (
	maxConnections = 128
	maxHeader      = 8 << 10
	readWithin     = 5 * time.Second
	writeWithin    = 30 * time.Second
	idleWithin     = time.Minute
	stopWithin     = 3 * time.Second // of the 5 s that a daemon has to stop
)

// A Server answers for the keys of one daemon.
type Server struct {
	Now     func() time.Time
	Keys    func() iter.Seq[live.Key]                 // at this moment, by name
	Unseen  func() (first []string, unseen, keys int) // how many were not looked at since the start, of how many, and a few of their names
	Key     func(name string) (live.Key, bool)        // one of them
	Metrics http.Handler
	Log     *slog.Logger

	mu        sync.Mutex
	documents map[string]document // by path
}

// Handler routes requests. A method that a path does not know is 405.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.Metrics)
	mux.HandleFunc("GET /status", s.status)
	mux.Handle("GET /{$}", page.Handler(page.Keys{Now: s.Now, All: s.Keys, One: s.Key}))
	mux.HandleFunc("GET /.well-known/jwks.json", s.allKeys)
	mux.HandleFunc("GET /keys/{name}/jwks.json", s.oneKey)
	return s.contained(mux)
}

// Run answers on l until ctx is done, and lets answers that have begun come to
// their end.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		err := server.Shutdown(limited)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		stopped <- err
	})()
	if err := server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// contained answers a bug with 500. net/http would log the value of the panic
// and the arguments on the stack, which could be key material.
func (s *Server) contained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			caught := bug.Of(v)
			s.Log.Error("a request was not answered", "error", caught, "stack", caught.Stack)
			http.Error(w, "a bug in rotate; its log says more", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
