// Package serve is what a daemon answers over HTTP. Everything is answered from
// memory, and nothing holds key material. Each address serves some of these sets:
//
//	probes   /healthz                  the process runs and its scheduler answers
//	         /readyz                   every key was read once, or why not is known
//	keys     /keys/{name}/jwks.json    one key's public halves, a JWK Set (RFC 7517)
//	         /.well-known/jwks.json    those of all keys
//	reports  /metrics                  for Prometheus
//	         /status                   the report rotate/status/v1
//	         /                         the same for people: every key as a timeline
//
// Symmetric keys have no public half: for them there is nothing to fetch.
//
// No client can keep another from its answer: see door. Only HTTP/1.1 is spoken,
// so a connection is one request at a time and its cost is known.
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

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/page"
)

// The limits of a server whose answers are small and come from memory.
const (
	maxHeader   = 8 << 10
	readWithin  = 5 * time.Second
	writeWithin = 30 * time.Second
	idleWithin  = time.Minute
	stopWithin  = 3 * time.Second // of the 5 s that a daemon has to stop
)

// A Server answers for the keys of one daemon.
type Server struct {
	Now     func() time.Time
	Keys    func() iter.Seq[live.Key]                 // at this moment, by name
	Unseen  func() (first []string, unseen, keys int) // how many were not looked at since the start, of how many, and a few of their names
	Key     func(name string) (live.Key, bool)        // one of them
	Metrics http.Handler
	Log     *slog.Logger
	Count   Counter // of connections; nil if no one counts

	mu        sync.Mutex
	documents map[string]document // by path
	turns     *turns              // of reports, at all addresses together
}

// A Counter counts connections. It is called concurrently.
type Counter interface {
	Connections(by int)       // how many more are open now
	ConnectionCut(why string) // one was closed for the sake of others; a Cause
}

// A route is a page and the set that it belongs to.
type route struct {
	set     endpoint.Set
	pattern string
	page    http.Handler
}

// routes is every page. What is among the reports is guarded: it asks for a token
// where the address has one, and few are made at once.
func (s *Server) routes() []route {
	return []route{
		{endpoint.Probes, "GET /healthz", http.HandlerFunc(s.healthz)},
		{endpoint.Probes, "GET /readyz", http.HandlerFunc(s.readyz)},
		{endpoint.Keys, "GET /.well-known/jwks.json", http.HandlerFunc(s.allKeys)},
		{endpoint.Keys, "GET /keys/{name}/jwks.json", http.HandlerFunc(s.oneKey)},
		{endpoint.Reports, "GET /metrics", s.Metrics},
		{endpoint.Reports, "GET /status", http.HandlerFunc(s.status)},
		{endpoint.Reports, "GET /{$}", page.Handler(page.Keys{Now: s.Now, All: s.Keys, One: s.Key})},
	}
}

// Handler answers everything to anyone.
func (s *Server) Handler() http.Handler {
	return s.handler(&Listener{Endpoint: endpoint.Endpoint{Serve: endpoint.Sets()}})
}

// handler routes the requests of one address. A method that a path does not know
// is 405.
func (s *Server) handler(l *Listener) http.Handler {
	mux := http.NewServeMux()
	turns := s.ofReports()
	for _, r := range s.routes() {
		if !l.Serves(r.set) {
			continue
		}
		switch r.set {
		case endpoint.Keys:
			r.page = l.shared(r.page)
			if len(l.Origins) > 0 {
				mux.Handle("OPTIONS"+r.pattern[len("GET"):], l.shared(http.HandlerFunc(preflight)))
			}
		case endpoint.Reports:
			r.page = l.guarded(turns.taken(r.page))
		}
		mux.Handle(r.pattern, r.page)
	}
	return s.contained(l.named(bodiless(mux)))
}

// ofReports is the turns that all addresses share.
func (s *Server) ofReports() *turns {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns == nil {
		s.turns = newTurns()
	}
	return s.turns
}

// Run answers on l until ctx is done, and lets answers that have begun come to
// their end.
func (s *Server) Run(ctx context.Context, l *Listener) error {
	logged := &seldom{log: s.Log, address: l.Opened()}
	server := s.http(l, logged)
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
	serve := server.Serve
	if l.TLS() {
		serve = func(d net.Listener) error { return server.ServeTLS(d, "", "") }
	}
	if err := serve(s.door(l, logged)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// http is the server of one address.
func (s *Server) http(l *Listener, logged *seldom) *http.Server {
	server := &http.Server{
		Handler:           s.handler(l),
		ReadHeaderTimeout: readWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       logged.errors(),
		TLSConfig:      l.tls(),
		Protocols:      new(http.Protocols),
		ConnState:      stage,
		ConnContext:    withConn,
	}
	server.Protocols.SetHTTP1(true)
	return server
}

// door is where its clients come in.
func (s *Server) door(l *Listener, logged *seldom) *door {
	d := &door{Listener: l.Listener, perClient: l.PerClient, opened: func(int) {}, cut: logged.cut}
	if s.Count != nil {
		d.opened = s.Count.Connections
		d.cut = func(why Cause) {
			s.Count.ConnectionCut(string(why))
			logged.cut(why)
		}
	}
	return d
}

// bodiless closes the connection after a request with a body. No page reads one,
// and net/http waits for it, for readWithin at most.
func bodiless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			if c := connOf(r); c != nil {
				c.unfinished()
			}
		}
		next.ServeHTTP(w, r)
	})
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
