package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// quota is a type of store that takes a tenth of a second for a call and says
// how many writes a minute are a tenth of its quota.
type quota struct {
	store providers.Store
	limit int

	mu     sync.Mutex
	calls  int // that take time
	writes []time.Time
}

const (
	oneCall = 100 * time.Millisecond
	aTenth  = 150 // writes a minute
)

func (q *quota) Open(context.Context) (providers.Store, error) { return quotaStore{q.store, q}, nil }

type quotaStore struct {
	providers.Store
	*quota
}

// String keeps the store's contents out of the config's digest.
func (q *quota) String() string { return "quota" }

func (s quotaStore) Traits() providers.Traits {
	t := s.Store.Traits()
	t.WritesAMinute = s.limit
	return t
}

func (s quotaStore) Read(ctx context.Context, name string) (providers.Revision, error) {
	s.take()
	return s.Store.Read(ctx, name)
}

func (q *quota) take() {
	time.Sleep(oneCall)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
}

func (s quotaStore) count() {
	s.take()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, time.Now())
}

func (s quotaStore) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	s.count()
	return s.Store.Write(ctx, name, v, after, n)
}

func (s quotaStore) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	s.count()
	return s.Store.Erase(ctx, name, id, head)
}

// peak is the most writes within any minute.
func (q *quota) peak() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return inAMinute(q.writes)
}

// inAMinute is the most of these times within any minute.
func inAMinute(times []time.Time) (most int) {
	for i, j := 0, 0; j < len(times); j++ {
		for times[j].Sub(times[i]) >= time.Minute {
			i++
		}
		most = max(most, j-i+1)
	}
	return most
}

// A rotation of one key does not wait for its own pace: it takes what its calls
// take.
func TestNowDoesNotWaitForItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, "environment: test\nstores: {q: {type: quota}}\ndefaults: {store: q, propagation: 0s, grace: 1s, grace_bounds: {min: 1s, max: 10s}}\nkeys: {k: {}}\n")
		q := &quota{store: memory.New(), limit: aTenth}
		c.stores = stores.Registry{"quota": func() providers.Config { return q }}
		c.do("now")
		for range 2 {
			time.Sleep(time.Hour)
			q.calls = 0
			begin := time.Now()
			c.do("now")
			if took, calls := time.Since(begin), time.Duration(q.calls)*oneCall; took != calls {
				t.Errorf("%d calls took %v, which is %v too long", q.calls, took, took-calls)
			}
		}
	})
}

// TestPromise8AMonthDown: 500 keys whose daemon was down for a month are made up
// for once each, in the safe order, and never with more than a tenth of what the
// service allows; so are their creation and their deletion.
func TestPromise8AMonthDown(t *testing.T) {
	const n = 500
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		text.WriteString("environment: test\nstores: {q: {type: quota}}\ndefaults: {store: q, every: 20d, sync: 12h}\nkeys:\n")
		for i := range n {
			fmt.Fprintf(&text, "  k%d: {}\n", i)
		}
		c := newConsole(t, text.String())
		q := &quota{store: memory.New(), limit: aTenth}
		c.stores = stores.Registry{"quota": func() providers.Config { return q }}

		c.daemonFor(time.Hour, nil)
		time.Sleep(30 * 24 * time.Hour)
		did := map[string][]string{}
		c.daemonFor(3*time.Hour, did)
		order := []string{"publish", "ready", "promote", "promote", "settled"} // two keys change at a promotion
		for i := range n {
			if got := did[fmt.Sprint("k", i)]; !slices.Equal(got, order) {
				t.Fatalf("key %d: %v, want %v", i, got, order)
			}
		}
		c.daemonFor(51*time.Hour, did)
		for i := range n {
			if got := did[fmt.Sprint("k", i)]; !slices.Equal(got, append(order, "retire")) {
				t.Fatalf("key %d: %v, and then only its predecessor is retired", i, got)
			}
		}
		t.Attr("pace.peak", fmt.Sprint(q.peak()))
		t.Attr("pace.limit", fmt.Sprint(aTenth))
		if peak := q.peak(); peak > aTenth {
			t.Errorf("%d writes in a minute, a tenth of the quota is %d", peak, aTenth)
		}
	})
}

// A store that is paced is still asked by its own means for rights.
func TestAPacedStoreIsProbed(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {q: {type: quota}}\nkeys: {k: {store: q}}\n")
	c.stores = stores.Registry{"quota": func() providers.Config { return &askedQuota{} }}
	code, out, said := c.try("", "validate", "--probe")
	if code != cli.Failed || !strings.Contains(said, "missing read") || !strings.Contains(out, "store q: reads and writes") {
		t.Errorf("exit code %d\n%s%s", code, out, said)
	}
}

type askedQuota struct{}

func (*askedQuota) Open(context.Context) (providers.Store, error) {
	return asked{surveyed{quotaStore{memory.New(), &quota{limit: aTenth}}}}, nil
}

type asked struct{ surveyed }

func (asked) Probe(context.Context) error { return nil }

// A least-privilege policy has no right to anything but the keys' own secrets.
func (asked) Read(context.Context, string) (providers.Revision, error) {
	return providers.Revision{}, &providers.Error{Op: "read", Kind: providers.ErrDenied}
}

// daemonFor runs a fresh daemon for a while, and notes what it did, by key.
func (c *console) daemonFor(d time.Duration, did map[string][]string) {
	c.t.Helper()
	for _, one := range c.daemon(d) {
		if did != nil && one.Action != "erase" {
			did[one.Key] = append(did[one.Key], one.Action)
		}
	}
}

// A deed is what the log says that a daemon did.
type deed struct {
	Time        time.Time
	Key, Action string
}

// daemon runs a fresh daemon for a while, and returns what it did.
func (c *console) daemon(d time.Duration) (did []deed) {
	c.t.Helper()
	var log bytes.Buffer
	r := c.daemonTo(slog.New(slog.NewJSONHandler(&log, nil)))
	ctx, stop := context.WithCancel(c.t.Context())
	stopped := make(chan error)
	go func() { stopped <- r.Rotate(ctx) }()
	time.Sleep(d)
	stop()
	if err := <-stopped; err != nil {
		c.t.Error(err)
	}
	for line := range bytes.Lines(log.Bytes()) {
		var ev struct {
			Msg string
			deed
		}
		if err := json.Unmarshal(line, &ev); err != nil {
			c.t.Fatalf("%v: %s", err, line)
		}
		if ev.Msg == "audit" {
			did = append(did, ev.deed)
		}
	}
	return did
}

// surveyed tells of each secret that a right is missing.
type surveyed struct{ providers.Store }

func (surveyed) ProbeSecret(_ context.Context, name string) ([]string, error) {
	return nil, &providers.Error{Op: "probe", Name: name, Kind: providers.ErrDenied, Err: errors.New("missing read")}
}
