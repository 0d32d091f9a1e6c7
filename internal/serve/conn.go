package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A client reads pieceSize bytes within stallWithin, or it is cut: 6.4 KB/s are
// enough, and nobody holds an answer open by reading a byte now and then. Where
// somebody else wants its place it is cut after slowAfter already.
const (
	pieceSize   = 64 << 10
	stallWithin = 10 * time.Second
	slowAfter   = time.Second
)

// A conn is a connection that a door knows.
type conn struct {
	net.Conn
	door   *door
	client netip.Prefix

	mu      sync.Mutex
	stage   Cause     // what it would be given up for; Slow is told by writing
	reading time.Time // since when its client's bytes are waited for; zero if they are not
	writing time.Time // since when its client is to take a piece; zero if none waits
	until   time.Time // net/http's own time limit of what is written; zero for none
	gone    bool
}

// use is what a connection would be given up for at a time. What the server has
// to do by itself is never the client's fault.
func (c *conn) use(now time.Time) use {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.writing.IsZero() && now.Sub(c.writing) >= slowAfter:
		return use{c, Slow, c.writing, false}
	case c.stage == Answering:
		return use{c, Answering, c.writing, c.writing.IsZero() || now.Sub(c.writing) < fairTime}
	case c.stage == Idle:
		return use{c, Idle, c.reading, c.reading.IsZero()}
	}
	return use{c, Unfinished, c.reading, c.reading.IsZero() || now.Sub(c.reading) < fairTime}
}

// stage is net/http's ConnState. A connection is active once the header of a
// request was read, and until its answer was written.
func stage(nc net.Conn, state http.ConnState) {
	c := known(nc)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateActive:
		c.stage = Answering
	case http.StateIdle:
		c.stage = Idle
	}
}

// unfinished says that the rest of a request is not wanted, though its client may
// still send it.
func (c *conn) unfinished() {
	c.mu.Lock()
	c.stage = Unfinished
	c.mu.Unlock()
}

// cutFor closes a connection, also one that is in use, and forgets what its client
// has not read.
func (c *conn) cutFor(why Cause) {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else the kernel keeps the rest of an answer for minutes
	}
	first := c.end()
	_ = c.Conn.Close()
	if first {
		c.door.cut(why)
	}
}

// cutIfSlow cuts a connection whose client does not read.
func (c *conn) cutIfSlow() {
	if c.use(time.Now()).why == Slow {
		c.cutFor(Slow)
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.end()
	return c.Conn.Close()
}

// end takes the connection from its door, and reports whether nobody did before.
func (c *conn) end() bool {
	c.mu.Lock()
	first := !c.gone
	c.gone = true
	c.mu.Unlock()
	if first {
		c.door.leave(c)
	}
	return first
}

// CloseWrite lets net/http end an answer whose request it did not read whole. Then
// it waits for the client to leave, and for nothing else.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	c.stage, c.reading = Idle, time.Now()
	c.mu.Unlock()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.until = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.reading = time.Now()
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.reading = time.Time{}
	c.mu.Unlock()
	return n, err
}

// Write implements net.Conn, a piece at a time.
func (c *conn) Write(p []byte) (n int, err error) {
	for first := true; err == nil && (first || n < len(p)); first = false {
		var wrote int
		if err = c.Conn.SetWriteDeadline(c.begin()); err != nil {
			break
		}
		wrote, err = c.Conn.Write(p[n:min(len(p), n+pieceSize)])
		n += wrote
	}
	c.mu.Lock()
	c.writing = time.Time{}
	c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.cutFor(Slow)
	}
	return n, err
}

// begin notes that a piece is being written, and tells until when it has to be.
func (c *conn) begin() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = time.Now()
	limit := c.writing.Add(stallWithin)
	if !c.until.IsZero() && c.until.Before(limit) {
		return c.until
	}
	return limit
}

// known is the connection below TLS; nil if it is none of a door's.
func known(nc net.Conn) *conn {
	if encrypted, ok := nc.(*tls.Conn); ok {
		nc = encrypted.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}

type connKey struct{}

// withConn is net/http's ConnContext.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, known(nc))
}

// connOf is the connection of a request; nil if it did not come by a door.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}
