package serve

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// An address has room for maxConnections, and for some time for four times as many
// that come in a burst: a client has fairTime for its next bytes before its
// connection has to go for another. Each takes some 20 KB and a file descriptor.
const (
	maxConnections = 256
	maxBurst       = 4 * maxConnections
	fairTime       = 50 * time.Millisecond
)

// A Cause is why a connection was closed for the sake of others.
type Cause string

// The causes, in the order in which connections are given up.
const (
	Idle       Cause = "idle"       // kept open by its client, between two requests
	Slow       Cause = "slow"       // its client does not read what it has asked for
	Unfinished Cause = "unfinished" // its client has not sent a whole request yet
	Answering  Cause = "answering"  // its client takes its answer slowly
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

	mu    sync.Mutex
	open  map[*conn]struct{}
	quiet time.Time // until when the useless are not looked for again
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	raw, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, door: d, client: clientOf(raw.RemoteAddr()), stage: Unfinished}
	for d.makeRoom(c) >= maxBurst {
		time.Sleep(fairTime / 10)
	}
	d.mu.Lock()
	if d.open == nil {
		d.open = map[*conn]struct{}{}
	}
	d.open[c] = struct{}{}
	d.mu.Unlock()
	d.opened(1)
	return c, nil
}

// makeRoom closes what has to go for a connection, and tells how many are left.
func (d *door) makeRoom(c *conn) (left int) {
	d.mu.Lock()
	now := time.Now()
	out := d.crowd(c, now)
	if len(d.open)-len(out) >= maxConnections && !now.Before(d.quiet) {
		out = append(out, d.useless(now)...)
		d.quiet = now.Add(fairTime / 10)
	}
	for _, u := range out {
		delete(d.open, u.conn)
	}
	left = len(d.open)
	d.mu.Unlock()
	for _, u := range out {
		u.conn.cutFor(u.why)
	}
	return left
}

// crowd is what has to go because its client, who comes again, has too many.
func (d *door) crowd(c *conn, now time.Time) []use {
	if d.perClient == 0 || !c.client.IsValid() {
		return nil
	}
	var its []use
	for o := range d.open {
		if o.client == c.client {
			its = append(its, o.use(now))
		}
	}
	slices.SortFunc(its, use.compare)
	return its[:max(0, len(its)-d.perClient+1)]
}

// useless is what has to go because the door is full: an eighth of what there is
// room for, so that not every newcomer has to look at all others.
func (d *door) useless(now time.Time) []use {
	var all []use
	for o := range d.open {
		if u := o.use(now); !u.fresh {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, use.compare)
	return all[:min(len(all), len(d.open)-maxConnections*7/8)]
}

// A use is what a connection is good for at one moment.
type use struct {
	conn  *conn
	why   Cause
	since time.Time
	fresh bool // the server is at work for it, or its client had no time yet
}

// compare puts what is of less use first.
func (u use) compare(v use) int {
	if u.fresh != v.fresh {
		if v.fresh {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(slices.Index(causes, u.why), slices.Index(causes, v.why)), u.since.Compare(v.since))
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
