package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A rig is a Notifier whose receivers are functions, in virtual time.
type rig struct {
	t        *testing.T
	notifier *Notifier
	keys     []*live.Key
	answer   func(*http.Request) (*http.Response, error) // nil for 204
	stuck    atomic.Bool

	mu     sync.Mutex
	calls  []call
	counts map[string]int // by receiver and result
	log    bytes.Buffer
}

// A call is one that a receiver got.
type call struct {
	at     time.Time
	method string
	url    string
	header http.Header
	body   string
}

func status204() *http.Response {
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
}

func answering(code int, header http.Header) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: header, Body: io.NopCloser(strings.NewReader("canary-answer"))}, nil
	}
}

// in runs f with a rig.
func in(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, counts: map[string]int{}}
		r.notifier = New(Options{
			Now: time.Now, Version: "v1", Transport: r, Alive: func() bool { return !r.stuck.Load() }, Set: func(string) *keyset.Set { return nil },
			Log: slog.New(slog.NewTextHandler(r, nil)),
			Keys: func() iter.Seq[live.Key] {
				r.mu.Lock()
				defer r.mu.Unlock()
				keys := r.keys
				return func(yield func(live.Key) bool) {
					for _, k := range keys {
						if !yield(*k) {
							return
						}
					}
				}
			},
			Count: func(receiver string, result Result, n int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.counts[receiver+" "+string(result)] += n
			},
		})
		f(r)
	})
}

// RoundTrip takes what is sent.
func (r *rig) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		body, _ = io.ReadAll(request.Body)
	}
	r.mu.Lock()
	r.calls = append(r.calls, call{time.Now(), request.Method, request.URL.String(), request.Header, string(body)})
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		return answer(request)
	}
	return status204(), nil
}

// Write takes the log.
func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *rig) logged(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.log.String(), text)
}

func (r *rig) counted(of string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[of]
}

func (r *rig) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (r *rig) answers(f func(*http.Request) (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// has gives the daemon keys, and looks.
func (r *rig) has(keys ...*live.Key) {
	r.mu.Lock()
	r.keys = keys
	r.mu.Unlock()
	time.Sleep(looking)
	synctest.Wait()
}

// run begins; stop ends it.
func (r *rig) run(s Settings) (stop func()) {
	r.notifier.Use(s)
	ctx, cancel := context.WithCancel(r.t.Context())
	rotated, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		r.notifier.Run(ctx, rotated)
	}()
	synctest.Wait()
	return func() {
		cancel()
		close(rotated)
		<-ended
	}
}

// fleet is so many keys that have just been made, from a number on.
func fleet(t *testing.T, from, n int) (keys []*live.Key) {
	t.Helper()
	for i := range n {
		name := fmt.Sprint("k", from+i)
		set, err := keyset.Create(name, "test", "lineage-"+name, keyOf(t, name), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		k := at(time.Now(), set, nil)
		k.Key, k.Facts.Target.Name = name, name
		keys = append(keys, k)
	}
	return keys
}

const address = "https://hooks.example.com/rotate"

var ops = Receiver{Name: "ops", Format: CloudEvents, Address: Address{URL: address}, Timeout: 15 * time.Second}

// A receiver that fails gets the same message again, with the same id, after 5 s,
// then less and less often. The first failure is logged, and the end of them.
func TestRetries(t *testing.T) {
	in(t, func(r *rig) {
		r.answers(answering(503, http.Header{}))
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		r.has(fleet(t, 0, 1)...)
		time.Sleep(2 * time.Hour)
		r.answers(nil)
		time.Sleep(time.Hour)
		calls := r.got()
		for i, c := range calls[1:] {
			if want := min(5*time.Second<<min(i, 10), 10*time.Minute); c.at.Sub(calls[i].at) != want {
				t.Errorf("attempt %d comes %s after the one before, want %s", i+1, c.at.Sub(calls[i].at), want)
			}
			if c.body != calls[0].body || c.header.Get("webhook-id") != calls[0].header.Get("webhook-id") {
				t.Errorf("attempt %d is another message", i+1)
			}
		}
		n := len(calls) - 1
		if n < 15 || n > 25 || r.counted("ops failed") != n || r.counted("ops sent") != 1 || r.counted("ops lost") != 0 {
			t.Errorf("%d calls, counted: %v", n+1, r.counts)
		}
		if r.logged("was not taken") != 1 || r.logged("taken again") != 1 || r.logged("status 503") != 1 {
			t.Errorf("logged was\n%s", &r.log)
		}
		stop()
	})
}

func TestRetryAfter(t *testing.T) {
	for asked, want := range map[string]time.Duration{"90": 90 * time.Second, "999999999999": time.Hour, "99999999": time.Hour, "-5": 5 * time.Second, "soon": 5 * time.Second, "": 5 * time.Second} {
		in(t, func(r *rig) {
			r.answers(answering(429, http.Header{"Retry-After": {asked}}))
			stop := r.run(Settings{Receivers: []Receiver{ops}})
			r.has(fleet(t, 0, 1)...)
			time.Sleep(2 * time.Hour)
			if calls := r.got(); len(calls) < 2 || calls[1].at.Sub(calls[0].at) != want {
				t.Errorf("%q: %d calls, want the second after %s", asked, len(calls), want)
			}
			stop()
		})
	}
	if got := retryAfter(start.Add(time.Minute).Format(http.TimeFormat), start); got != time.Minute {
		t.Errorf("a date is %s", got)
	}
}

// Many at once are a few digests, of which each event is a whole CloudEvent with the
// id that it has alone.
func TestDigest(t *testing.T) {
	in(t, func(r *rig) {
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		r.has(fleet(t, 0, few)...)
		if n := len(r.got()); n != few {
			t.Errorf("%d messages of %d events", n, few)
		}
		r.has(fleet(t, 100, 60)...)
		seen := map[string]bool{}
		calls := r.got()[few:]
		for _, c := range calls {
			var e struct {
				Version string `json:"specversion"`
				ID      string `json:"id"`
				Source  string `json:"source"`
				Type    string `json:"type"`
				Data    struct {
					Text   string
					Events []cloudEvent
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(c.body), &e); err != nil {
				t.Fatal(err)
			}
			if e.Version != "1.0" || e.Type != types+"digest" || e.Source != "rotate:test" || e.ID != c.header.Get("webhook-id") || len(c.body) > 20<<10 ||
				c.header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" || !strings.HasPrefix(e.Data.Text, fmt.Sprint(len(e.Data.Events), " notifications:\n- k1")) {
				t.Errorf("%d bytes: %+v", len(c.body), e)
			}
			for _, one := range e.Data.Events {
				seen[one.ID] = true
				if one.Version != "1.0" || one.Type != types+"transition" || one.Subject == "" {
					t.Errorf("%+v", one)
				}
			}
		}
		if len(calls) != 3 || len(seen) != 60 {
			t.Errorf("%d messages have %d events", len(calls), len(seen))
		}
		stop()
	})
}

// The queue of a receiver is bounded. The newest get through, what is lost is
// counted and logged once, and another receiver loses nothing.
func TestABoundedQueue(t *testing.T) {
	in(t, func(r *rig) {
		r.answers(func(request *http.Request) (*http.Response, error) {
			if request.URL.Path == "/rotate" {
				return nil, syscall.ECONNREFUSED
			}
			return status204(), nil
		})
		other := ops
		other.Name, other.Address.URL = "other", "https://hooks.example.com/other"
		stop := r.run(Settings{Receivers: []Receiver{ops, other}})
		r.has(fleet(t, 0, 900)...)
		r.has(fleet(t, 900, 900)...)
		r.has(fleet(t, 1800, 900)...)
		const all, inHand = 2700, 25
		if lost := r.counted("ops lost"); lost != all-inHand-queued || r.counted("other sent") != all || r.counted("other lost") != 0 {
			t.Errorf("counted: %v", r.counts)
		}
		if r.logged("notifications are lost") != 1 || r.logged("connection refused") != 1 {
			t.Errorf("logged was\n%s", &r.log)
		}
		r.answers(nil)
		time.Sleep(time.Hour)
		if r.counted("ops sent") != inHand+queued || !strings.Contains(r.got()[len(r.got())-1].body, `"k2699"`) {
			t.Errorf("counted: %v", r.counts)
		}
		stop()
	})
}

// What nobody takes for a day is lost, and what follows is tried.
func TestAMessageGetsTooOld(t *testing.T) {
	in(t, func(r *rig) {
		r.answers(answering(400, http.Header{}))
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		r.has(fleet(t, 0, 1)...)
		r.has(fleet(t, 1, 1)...)
		time.Sleep(25 * time.Hour)
		if r.counted("ops lost") != 1 || !strings.Contains(r.got()[len(r.got())-1].body, `"k1"`) {
			t.Errorf("counted: %v", r.counts)
		}
		stop()
	})
}

// At the end each receiver gets one last attempt, and none holds up the stop.
func TestTheEnd(t *testing.T) {
	in(t, func(r *rig) {
		r.answers(answering(503, http.Header{}))
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		r.has(fleet(t, 0, 3)...)
		r.answers(nil)
		stop()
		if r.counted("ops sent") != 3 {
			t.Errorf("counted: %v", r.counts)
		}
	})
	in(t, func(r *rig) {
		r.answers(func(request *http.Request) (*http.Response, error) {
			<-request.Context().Done() // never answers
			return nil, request.Context().Err()
		})
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		r.has(fleet(t, 0, 3)...)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took != lastWithin || r.counted("ops lost") != 3 || r.logged("notifications are lost") != 1 {
			t.Errorf("took %s, counted: %v", took, r.counts)
		}
	})
}

// A receiver is told of what it wants. A reload changes where that goes, and loses
// nothing that waits.
func TestReceiversChange(t *testing.T) {
	in(t, func(r *rig) {
		r.answers(answering(503, http.Header{}))
		picky := Receiver{Name: "picky", Only: []Kind{Halt}, Address: Address{URL: "https://hooks.example.com/picky"}, Timeout: time.Second}
		stop := r.run(Settings{Receivers: []Receiver{ops, picky}})
		r.has(fleet(t, 0, 1)...)
		moved := ops
		moved.Address.URL = "https://hooks.example.com/moved"
		r.notifier.Use(Settings{Receivers: []Receiver{moved}})
		synctest.Wait()
		r.answers(nil)
		time.Sleep(time.Hour)
		calls := r.got()
		if last := calls[len(calls)-1]; last.url != moved.Address.URL || r.counted("ops sent") != 1 {
			t.Errorf("the last call is %+v", last)
		}
		if slices.ContainsFunc(calls, func(c call) bool { return strings.HasSuffix(c.url, "picky") }) {
			t.Error("one was told of what it does not want")
		}
		stop()
	})
}

// What cannot be told as things are is known at the start, not only when there is
// something to tell, and once; and so after each reload that changes it.
func TestUnusableReceivers(t *testing.T) {
	in(t, func(r *rig) {
		absent := filepath.Join(t.TempDir(), "canary")
		settings := func(timeout time.Duration) Settings {
			return Settings{
				Heartbeat: Heartbeat{Address: Address{File: absent}, Every: time.Minute},
				Receivers: []Receiver{
					{Name: "chat", Format: Slack, Address: Address{File: absent}, Timeout: timeout},
					{Name: "good", Format: CloudEvents, Address: Address{URL: address}, Sign: Signing{Key: "unread"}, Timeout: timeout},
					{Name: "pager", Exec: []string{absent}, Timeout: timeout},
					{Name: "signed", Format: CloudEvents, Address: Address{URL: address}, Sign: Signing{File: absent}, Timeout: timeout},
				},
			}
		}
		stop := r.run(settings(time.Second))
		time.Sleep(time.Hour)
		for _, want := range []string{
			"receiver=heartbeat error=\"the file of its address: there is none\"", "receiver=chat error=\"the file of its address: there is none\"",
			"receiver=pager error=\"the program cannot be run: no such file or directory\"", "receiver=signed error=\"the secret's file: there is none\"",
		} {
			if r.logged("something to tell\" "+want) != 1 {
				t.Errorf("want %s, logged was\n%s", want, &r.log)
			}
		}
		r.notifier.Use(settings(time.Minute))
		synctest.Wait()
		if r.logged("receiver=chat") != 2 || r.logged("receiver=heartbeat") != 1 || r.logged("receiver=good")+r.logged("canary") != 0 {
			t.Errorf("logged was\n%s", &r.log)
		}
		stop()
	})
}

// A bug that shows at one key costs no other key its news, and no process its life.
func TestABugStaysWithItsKey(t *testing.T) {
	in(t, func(r *rig) {
		stop := r.run(Settings{Receivers: []Receiver{ops}})
		keys := fleet(t, 0, 2)
		keys[0].Facts.Target.Store = nil // which status.Of asks for its traits
		r.has(keys...)
		if r.counted("ops sent") != 1 || r.logged("a bug in rotate") != 1 {
			t.Errorf("counted: %v, logged was\n%s", r.counts, &r.log)
		}
		stop()
	})
}

// A heartbeat is heard while every key is well, and the scheduler turns.
func TestHeartbeat(t *testing.T) {
	in(t, func(r *rig) {
		path := filepath.Join(t.TempDir(), "url")
		if err := os.WriteFile(path, []byte("https://ping.example.com/canary-path\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		stop := r.run(Settings{Heartbeat: Heartbeat{Address: Address{File: path}, Every: 5 * time.Minute}})
		created, _, _, _, _ := sets(t)
		pings := func(change func()) int {
			before := len(r.got())
			change()
			time.Sleep(time.Hour)
			synctest.Wait()
			return len(r.got()) - before
		}
		for name, c := range map[string]struct {
			change func()
			want   int
		}{
			"well":           {func() { r.has(at(time.Now(), created, nil)) }, 12},
			"in trouble":     {func() { r.has(at(time.Now(), created, halted)) }, 0},
			"not read":       {func() { r.has(at(start, nil, nil), &live.Key{}) }, 0},
			"a stuck daemon": {func() { r.has(at(time.Now(), created, nil)); r.stuck.Store(true) }, 0},
		} {
			if n := pings(c.change); n < c.want-1 || n > c.want+1 {
				t.Errorf("%s: %d pings in an hour, want about %d", name, n, c.want)
			}
			r.stuck.Store(false)
			r.has(at(time.Now(), created, nil))
			time.Sleep(10 * time.Minute)
		}
		r.answers(answering(500, http.Header{}))
		time.Sleep(time.Hour)
		if r.logged("the heartbeat was not taken") != 1 || r.counted("heartbeat failed") < 10 || r.logged("canary") != 0 {
			t.Errorf("counted: %v, logged was\n%s", r.counts, &r.log)
		}
		stop()
		for _, c := range r.got() {
			if c.method != http.MethodGet || c.body != "" || c.url != "https://ping.example.com/canary-path" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// Promise 7: an address, which may be a credential, is not told, however a call of
// it fails, nor is anything that a receiver answers.
func TestPromise7NoAddressIsTold(t *testing.T) {
	const secretly = "canary-host.example.com/services/canary-path?token=canary-token"
	redirect := http.Header{"Location": {"https://canary-elsewhere.example.com/"}}
	for _, c := range []struct {
		file   string
		answer func(*http.Request) (*http.Response, error)
		says   string
	}{
		{"https://" + secretly, answering(404, http.Header{"X": {"canary-header"}}), "it answered with status 404"},
		{"https://" + secretly, answering(302, redirect), "it answered with status 302"},
		{"https://" + secretly, failing(&net.DNSError{Name: "canary-host.example.com", IsNotFound: true}), "the name of its host is not known"},
		{"https://" + secretly, failing(&net.DNSError{Name: "canary-host.example.com", Err: "canary"}), "could not be resolved"},
		{"https://" + secretly, failing(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}), "no route to host"},
		{"https://" + secretly, failing(errors.New("canary")), "it could not be reached"},
		{"https://" + secretly, failing(context.DeadlineExceeded), "it did not answer in time"},
		{"https://" + secretly, func(*http.Request) (*http.Response, error) { panic("canary") }, "a bug in rotate"},
		{"canary", nil, "its address is not a URL"},
		{"ftp://" + secretly, nil, "its address is not a URL"},
		{"https://canary:canary@" + secretly + "\x7f", nil, "its address is not a URL"},
	} {
		in(t, func(r *rig) {
			path := filepath.Join(t.TempDir(), "canary")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			r.answers(c.answer)
			chat := Receiver{Name: "chat", Format: Slack, Address: Address{File: path}, Timeout: time.Second}
			stop := r.run(Settings{Receivers: []Receiver{chat}})
			r.has(fleet(t, 0, 1)...)
			stop()
			if r.logged(c.says) == 0 || r.logged("canary") != 0 {
				t.Errorf("want %q; logged was\n%s", c.says, &r.log)
			}
			for _, call := range r.got() {
				if strings.Contains(call.url, "elsewhere") {
					t.Error("a redirect was followed")
				}
			}
		})
	}
}

func failing(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}
