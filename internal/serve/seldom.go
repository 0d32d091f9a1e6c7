package serve

import (
	"bytes"
	"log"
	"log/slog"
	"sync"
	"time"
)

// seldom tells of what strangers can cause as often as they like: once a minute,
// with how often it happened. It is safe for concurrent use.
type seldom struct {
	log     *slog.Logger
	address string

	mu     sync.Mutex
	cuts   counted
	faults counted
}

// counted is what one kind of line has to tell.
type counted struct {
	last time.Time
	n    int // since then
}

// due counts, and reports whether a line is to be written, of how many.
func (c *counted) due(now time.Time) (n int, ok bool) {
	c.n++
	if !c.last.IsZero() && now.Sub(c.last) < time.Minute {
		return 0, false
	}
	n, c.n, c.last = c.n, 0, now
	return n, true
}

// cut tells that connections are closed.
func (s *seldom) cut(why Cause) {
	s.mu.Lock()
	n, ok := s.cuts.due(time.Now())
	s.mu.Unlock()
	if ok {
		s.log.Warn("connections are closed so that others are answered", "address", s.address, "last", string(why), "connections", n)
	}
}

// errors is for net/http, which has a line for each bad handshake.
func (s *seldom) errors() *log.Logger { return log.New(s, "", 0) }

// Write implements io.Writer: a line of net/http's.
func (s *seldom) Write(line []byte) (int, error) {
	s.mu.Lock()
	n, ok := s.faults.due(time.Now())
	s.mu.Unlock()
	if ok {
		s.log.Warn(string(bytes.TrimSpace(line)), "address", s.address, "lines", n)
	}
	return len(line), nil
}
