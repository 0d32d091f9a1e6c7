package serve

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// An address has room for maxConnections. Those that come in a burst get in up to
// twice as many, and have fairTime for their request before any of them has to go.
// A connection takes some 20 KB and a file descriptor, of which a process has 1,024
// on old systems.
const (
	maxConnections = 256
	fairTime       = 100 * time.Millisecond
)

// A Cause is why a connection was closed for the sake of others.
type Cause string

// The causes, in the order in which connections are given up.
const (
	Idle       Cause = "idle"       // kept open by its client, between two requests
	Slow       Cause = "slow"       // its client does not read what it has asked for
	Unfinished Cause = "unfinished" // its client has not sent a whole request yet
	Answering  Cause = "answering"  // all others are being answered, too
)

var causes = []Cause{Idle, Slow, Unfinished, Answering}

// A door is a listener that keeps nobody waiting for others to go. Where there is
// no room, it closes the connections that are of least use. So whoever has come
// last is answered, as a probe has to be, however many others stand there and
// whatever they do. Safe for concurrent use.
type door struct {
	net.Listener
	perClient int // 0 for no limit
	cut       func(Cause)
	opened    func(by int)

	mu   sync.Mutex
	open map[*conn]struct{}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	raw, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, door: d, client: clientOf(raw.RemoteAddr()), stage: Unfinished}
	for d.makeRoom(c) >= 2*maxConnections { // only while hundreds come within fairTime
		time.Sleep(fairTime / 20)
	}
	c.since = time.Now()
	d.mu.Lock()
	if d.open == nil {
		d.open = map[*conn]struct{}{}
	}
	d.open[c] = struct{}{}
	d.mu.Unlock()
	d.opened(1)
	return c, nil
}

// makeRoom closes what has to go for a connection, and tells how many are left:
// more than there is room for, where all of them have just come.
func (d *door) makeRoom(c *conn) (left int) {
	for {
		d.mu.Lock()
		out, why := d.leaving(c)
		delete(d.open, out)
		left = len(d.open)
		d.mu.Unlock()
		if out == nil {
			return left
		}
		out.cutFor(why)
	}
}

// leaving is a connection that has to go for another, and why: the client has too
// many, or the door no room. nil if none has to.
func (d *door) leaving(c *conn) (out *conn, why Cause) {
	if d.perClient > 0 && c.client.IsValid() {
		if one, n := least(d.open, func(o *conn) bool { return o.client == c.client }); n >= d.perClient {
			return one.conn, one.why
		}
	}
	if len(d.open) < maxConnections {
		return nil, ""
	}
	if one, _ := least(d.open, func(*conn) bool { return true }); !one.fresh {
		return one.conn, one.why
	}
	return nil, ""
}

// A use is what a connection is good for at one moment.
type use struct {
	conn  *conn
	why   Cause
	since time.Time
	fresh bool // it has had no time to be answered
}

// less reports whether u is of less use than v.
func (u use) less(v use) bool {
	if u.fresh != v.fresh {
		return v.fresh
	}
	if u.why != v.why {
		return slices.Index(causes, u.why) < slices.Index(causes, v.why)
	}
	return u.since.Before(v.since)
}

// least is the connection of least use among those in question, and how many those
// are.
func least(all map[*conn]struct{}, inQuestion func(*conn) bool) (worst use, n int) {
	now := time.Now()
	for c := range all {
		if !inQuestion(c) {
			continue
		}
		if u := c.use(now); n == 0 || u.less(worst) {
			worst = u
		}
		n++
	}
	return worst, n
}

// leave takes a connection out that has ended.
func (d *door) leave(c *conn) {
	d.mu.Lock()
	delete(d.open, c)
	d.mu.Unlock()
	d.opened(-1)
}

// clientOf is who stands at the other end: an address of IPv4, the network /64 of
// IPv6, since a host has all of one (RFC 6177); not valid for a unix socket.
func clientOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
