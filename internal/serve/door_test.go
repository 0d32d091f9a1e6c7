package serve_test

import (
	"bufio"
	"context"
	"iter"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/serve"
)

// pipes is a listener in memory, so that time can be a test's own. Nothing that is
// written goes on before it is read.
type pipes struct {
	come chan net.Conn
	once sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.come
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.come) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// from is a connection from an address.
type from struct {
	net.Conn
	address net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.address }

// A siege is a server in a bubble of synctest, with what it counts.
type siege struct {
	*testing.T
	pipes *pipes
	seen  *counts
	log   *lockedBuffer
}

// inBubble runs a server whose metrics are a megabyte.
func inBubble(t *testing.T, e endpoint.Endpoint, test func(s *siege)) {
	synctest.Test(t, func(t *testing.T) {
		s := &siege{t, &pipes{come: make(chan net.Conn)}, &counts{}, &lockedBuffer{}}
		server := &serve.Server{
			Now: time.Now, Keys: func() iter.Seq[live.Key] { return func(func(live.Key) bool) {} },
			Unseen: func() ([]string, int, int) { return nil, 0, 0 },
			Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, 1<<20))
			}),
			Log: slog.New(slog.NewTextHandler(s.log, nil)), Count: s.seen,
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- server.Run(ctx, &serve.Listener{Endpoint: e, Listener: s.pipes}) }()
		test(s)
		stop()
		<-done
	})
}

// connect is a client at an address, which has sent a text.
func (s *siege) connect(address, text string) net.Conn {
	s.Helper()
	mine, its := net.Pipe()
	s.pipes.come <- from{its, &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
	s.Cleanup(func() { _ = mine.Close() })
	if _, err := mine.Write([]byte(text)); err != nil {
		s.Fatal(err)
	}
	return mine
}

// answer reads the status of an answer; "" if the connection was closed.
func answer(c net.Conn) string {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ""
	}
	return resp.Status
}

func (s *siege) wantCut(want map[string]int) {
	s.Helper()
	synctest.Wait()
	if _, cut := s.seen.now(); !maps.Equal(cut, want) {
		s.Errorf("cut %v, want %v", cut, want)
	}
}

const (
	healthz = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
	metrics = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
)

var everything = endpoint.Of(endpoint.Address{Network: "unix", Where: "pipe"})

// Who does not read is cut after 10 s, also where nobody else wants the place. One
// byte now and then is not reading.
func TestSlowReadersAreCut(t *testing.T) {
	for what, read := range map[string]func(net.Conn){
		"nothing": func(net.Conn) {},
		"a byte a second": func(c net.Conn) {
			for one := make([]byte, 1); ; time.Sleep(time.Second) {
				if _, err := c.Read(one); err != nil {
					return
				}
			}
		},
	} {
		inBubble(t, everything, func(s *siege) {
			c := s.connect("192.0.2.1", metrics)
			go read(c)
			time.Sleep(9 * time.Second)
			s.wantCut(map[string]int{})
			time.Sleep(2 * time.Second)
			s.wantCut(map[string]int{"slow": 1})
			if n := strings.Count(s.log.String(), "connections are closed"); n != 1 {
				s.Errorf("who reads %s: %d lines:\n%s", what, n, s.log)
			}
		})
	}
}

// Reports are made one after another. Who does not read one loses its turn to the next,
// and a probe waits for none of them.
func TestSlowReadersLoseTheirTurn(t *testing.T) {
	inBubble(t, everything, func(s *siege) {
		s.connect("192.0.2.1", metrics)
		synctest.Wait() // it has its turn
		begin := time.Now()
		if got := answer(s.connect("192.0.2.2", metrics)); got != "200 OK" || time.Since(begin) > 2*time.Second {
			s.Errorf("%q after %v", got, time.Since(begin))
		}
		s.wantCut(map[string]int{"slow": 1})
		s.connect("192.0.2.3", metrics)
		synctest.Wait()
		if got := answer(s.connect("192.0.2.2", healthz)); got != "200 OK" {
			s.Errorf("a probe waits for a turn: %q", got)
		}
	})
}

// Few wait for their turn: the others are told at once to come again.
func TestTheLineIsShort(t *testing.T) {
	inBubble(t, everything, func(s *siege) {
		for range 16 {
			s.connect("192.0.2.1", metrics)
		}
		synctest.Wait()
		begin := time.Now()
		if got := answer(s.connect("192.0.2.2", metrics)); got != "503 Service Unavailable" || time.Since(begin) > 0 {
			s.Errorf("%q after %v", got, time.Since(begin))
		}
	})
}

// Where there is no room for all, what stands idle goes first, then who does not
// read, then who has not asked yet; the longest first. An eighth goes at once, and
// the newest is answered.
func TestWhoGoesFirst(t *testing.T) {
	inBubble(t, everything, func(s *siege) {
		var asking []net.Conn
		ask := func(n int) {
			for range n {
				asking = append(asking, s.connect("192.0.2.1", "GET /healthz HTTP/1.1\r\n"))
			}
		}
		ask(1)
		time.Sleep(time.Second)
		for range 20 {
			idle := s.connect("192.0.2.1", healthz)
			if got := answer(idle); got != "200 OK" {
				s.Fatal(got)
			}
		}
		s.connect("192.0.2.1", metrics)
		ask(234)
		time.Sleep(2 * time.Second)
		s.wantCut(map[string]int{})
		ask(1)
		s.wantCut(map[string]int{"idle": 20, "slow": 1, "unfinished": 11})
		_ = asking[0].SetReadDeadline(time.Now().Add(time.Millisecond))
		if got := answer(asking[0]); got != "" {
			s.Errorf("who came first is not the first to go: %q", got)
		}
		if got := answer(s.connect("192.0.2.2", healthz)); got != "200 OK" {
			s.Errorf("the newest: %q", got)
		}
	})
}

// A request's body is waited for by nobody, so who sends one slowly keeps no place.
func TestSlowBodiesKeepNoPlace(t *testing.T) {
	inBubble(t, everything, func(s *siege) {
		for range 256 {
			c := s.connect("192.0.2.1", "GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")
			go func() { _ = answer(c) }()
		}
		time.Sleep(time.Second)
		if got := answer(s.connect("192.0.2.2", healthz)); got != "200 OK" {
			s.Errorf("the newest: %q", got)
		}
		s.wantCut(map[string]int{"unfinished": 32})
	})
}

// A burst of honest clients is let in over the limit: each has time to ask.
func TestABurstIsLetIn(t *testing.T) {
	inBubble(t, everything, func(s *siege) {
		var all []net.Conn
		for range 500 {
			all = append(all, s.connect("192.0.2.1", "GET /healthz HTTP/1.1\r\n"))
		}
		for _, c := range all {
			if _, err := c.Write([]byte("Host: h\r\n\r\n")); err != nil {
				s.Fatal(err)
			}
			if got := answer(c); got != "200 OK" {
				s.Fatal(got)
			}
		}
		s.wantCut(map[string]int{})
	})
}

// A client that is limited loses its own connections and nobody else's. Without
// the option there is no such limit, since a proxy is one client.
func TestPerClient(t *testing.T) {
	limited := everything
	limited.PerClient = 2
	for _, c := range []struct {
		e         endpoint.Endpoint
		addresses []string
		cut       map[string]int
	}{
		{everything, []string{"192.0.2.1", "192.0.2.1", "192.0.2.1"}, map[string]int{}},
		{limited, []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"}, map[string]int{}},
		{limited, []string{"192.0.2.1", "192.0.2.1", "192.0.2.1"}, map[string]int{"unfinished": 1}},
		{limited, []string{"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"}, map[string]int{"unfinished": 1}},
		{limited, []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"}, map[string]int{"unfinished": 1}},
		{limited, []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:1::3"}, map[string]int{}},
	} {
		inBubble(t, c.e, func(s *siege) {
			for _, a := range c.addresses {
				s.connect(a, "GET /healthz HTTP/1.1\r\n")
			}
			s.wantCut(c.cut)
		})
	}
}
