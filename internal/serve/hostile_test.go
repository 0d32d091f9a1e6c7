package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// counts is a serve.Counter.
type counts struct {
	mu   sync.Mutex
	open int
	cut  map[string]int
}

func (c *counts) Connections(by int) {
	c.mu.Lock()
	c.open += by
	c.mu.Unlock()
}

func (c *counts) ConnectionCut(why string) {
	c.mu.Lock()
	if c.cut == nil {
		c.cut = map[string]int{}
	}
	c.cut[why]++
	c.mu.Unlock()
}

func (c *counts) now() (open int, cut map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut = map[string]int{}
	for why, n := range c.cut {
		cut[why] = n
	}
	return c.open, cut
}

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server of one key that answers at an endpoint until the test ends.
// Its metrics are 8 MB, more than a socket takes from who does not read.
func running(t *testing.T, e endpoint.Endpoint) (l *serve.Listener, log *lockedBuffer, seen *counts) {
	t.Helper()
	open, err := serve.Listen(t.Context(), []endpoint.Endpoint{e})
	if err != nil {
		t.Fatal(err)
	}
	log, seen = &lockedBuffer{}, &counts{}
	es := keyOf(keyset.ES256, known(t, "es", asymmetric(t)))
	line := bytes.Repeat([]byte("m"), 32<<10)
	s := &serve.Server{
		Now:    func() time.Time { return now },
		Keys:   func() iter.Seq[live.Key] { return func(yield func(live.Key) bool) { yield(es) } },
		Key:    func(string) (live.Key, bool) { return es, true },
		Unseen: func() ([]string, int, int) { return nil, 0, 1 },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 256 {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		}),
		Log: slog.New(slog.NewTextHandler(log, nil)), Count: seen,
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx, open[0]) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return open[0], log, seen
}

// hostile is what a connection can do to keep a server from others. Each returns
// when the connection has ended, or is to end.
var hostile = map[string]func(c net.Conn){
	"silent":        func(c net.Conn) { drain(c) },
	"half a header": func(c net.Conn) { say(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "); drain(c) },
	"idle":          func(c net.Conn) { say(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); drain(c) },
	"HTTP/2": func(c net.Conn) {
		say(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		drain(c)
	},
	"slow body": func(c net.Conn) {
		slowly(c, "GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", "x")
	},
	"slow large body": func(c net.Conn) {
		slowly(c, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", "x")
	},
	"slow chunks": func(c net.Conn) {
		slowly(c, "POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")
	},
	"never reads": func(c net.Conn) { slowly(c, "", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n") },
}

// slowly says something, and then more and more.
func slowly(c net.Conn, first, more string) {
	for err := say(c, first); err == nil; err = say(c, more) {
		time.Sleep(100 * time.Millisecond)
	}
}

func say(c net.Conn, text string) error {
	_, err := io.WriteString(c, text)
	return err
}

func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// besiege holds n connections of each kind open, and comes back some time after one
// was closed. It returns how to end.
func besiege(t *testing.T, address string, n int, back time.Duration) (end func()) {
	t.Helper()
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for what, do := range hostile {
		for range n {
			all.Go(func() {
				for ctx.Err() == nil {
					c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
					if err != nil {
						if ctx.Err() == nil && !errors.Is(err, syscall.ECONNRESET) {
							t.Errorf("%s is not let in: %v", what, err)
						}
						return
					}
					stop := context.AfterFunc(ctx, func() { _ = c.Close() })
					do(c)
					stop()
					_ = c.Close()
					time.Sleep(back)
				}
			})
		}
	}
	return func() { cancel(); all.Wait() }
}

// room is how many connections of n this process has file descriptors for, two
// each.
func room(t *testing.T, n int) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(n, int(limit.Cur/3)) //nolint:gosec // a limit fits
}

// outlast asks for pages again and again. It returns how long the longest answer
// took, and what was not answered within a second.
func outlast(address string, times int) (longest time.Duration, failed []string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for range times {
		for _, path := range []string{"/healthz", "/readyz", "/.well-known/jwks.json"} {
			begin := time.Now()
			err := answered(client, "http://"+address+path)
			took := time.Since(begin)
			if longest = max(longest, took); err != nil || took > time.Second {
				failed = append(failed, fmt.Sprintf("%s: %v, after %v", path, err, took))
			}
		}
	}
	return longest, failed
}

// TestHostileConnectionsKeepNobodyOut: while a thousand connections of every kind
// stand, each page is answered within a second, one line tells of it, and who had
// to go is counted.
func TestHostileConnectionsKeepNobodyOut(t *testing.T) {
	l, log, seen := running(t, endpoint.Of(endpoint.Address{Network: "tcp", Where: "127.0.0.1:0"}))
	n := room(t, 1000) / len(hostile)
	end := besiege(t, l.Opened(), n, 500*time.Millisecond)
	defer end()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, cut := seen.now(); cut[string(serve.Idle)] > 0 && cut[string(serve.Unfinished)] > 0 {
			break
		} else if time.Since(begin) > 20*time.Second {
			t.Fatalf("nobody had to go: %v", cut)
		}
	}
	longest, failed := outlast(l.Opened(), 10)
	for range 2 { // this host may be busy itself
		if failed != nil {
			t.Log(failed)
			longest, failed = outlast(l.Opened(), 10)
		}
	}
	if failed != nil {
		t.Error(failed)
	}
	open, cut := seen.now()
	t.Logf("%d attackers, %d connections open, %v cut; the longest answer took %v", n*len(hostile), open, cut, longest)
	if open > 4*256 {
		t.Errorf("%d connections are open", open)
	}
	if lines := strings.Count(log.String(), "connections are closed so that others are answered"); lines != 1 {
		t.Errorf("%d lines:\n%s", lines, log)
	}
}

// The attack and the probe of e2e/http.sh, on a daemon that runs elsewhere: two
// processes, so that neither waits for the other.
func TestHostileToDaemon(t *testing.T) {
	address := os.Getenv("ROTATE_HOSTILE_TO")
	if address == "" {
		t.Skip("ROTATE_HOSTILE_TO is not set: make conformance-http")
	}
	each, err := strconv.Atoi(os.Getenv("ROTATE_HOSTILE_EACH"))
	if err != nil {
		t.Fatal(err)
	}
	end := besiege(t, address, each, time.Second)
	time.Sleep(30 * time.Second)
	end()
}

func TestProbeOfDaemon(t *testing.T) {
	address := os.Getenv("ROTATE_HOSTILE_TO")
	if address == "" {
		t.Skip("ROTATE_HOSTILE_TO is not set: make conformance-http")
	}
	var longest time.Duration
	answers := 0
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		took, failed := outlast(address, 1)
		if failed != nil {
			t.Error(failed)
		}
		longest = max(longest, took)
		answers += 3
	}
	t.Logf("%d answers, the longest took %v", answers, longest)
}

func answered(client *http.Client, url string) error {
	resp, err := client.Get(url) //nolint:noctx // the client has a time limit
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}
