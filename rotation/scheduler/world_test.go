package scheduler_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
	"github.com/keyrotate/rotate/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// A world is a host with a daemon on it. All time in it is virtual.
type world struct {
	t      *testing.T
	store  providers.Store
	engine *engine.Engine
	ahead  atomic.Int64 // of the wall clock, against the monotonic one

	mu     sync.Mutex
	events []engine.Event
	log    bytes.Buffer
}

// in runs f in a world of its own.
func in(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		w.store = memory.New(memory.WithClock(w.wall))
		w.engine = w.freshEngine()
		f(w)
	})
}

// freshEngine is what a restart begins with.
func (w *world) freshEngine() *engine.Engine {
	return &engine.Engine{
		Clock: func() rotation.Clock { return rotation.Clock{Wall: w.wall()} },
		NewID: rand.Text,
		Actor: "test",
		Audit: func(e engine.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}
}

func (w *world) wall() time.Time { return time.Now().Round(0).Add(time.Duration(w.ahead.Load())) }

// Write takes the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// logged returns the lines of the log that hold a text.
func (w *world) logged(text string) (lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range bytes.Lines(w.log.Bytes()) {
		if bytes.Contains(line, []byte(text)) {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// key is one that reads at use: it has no waits but its grace.
func (w *world) key(name string, s rotation.Schedule) scheduler.Key {
	return scheduler.Key{
		Sync: time.Hour, Digest: "1",
		Target: engine.Target{
			Name: name, Environment: "test", StoreName: "memory", Store: w.store, Secret: "test-" + name,
			Policy: rotation.Policy{Schedule: s, Grace: 2 * time.Hour},
			Generate: func() (keyset.Key, error) {
				return keyset.NewSymmetric(rand.Text(), keyset.HS256, secret.New([]byte(rand.Text()+rand.Text())), "")
			},
		},
	}
}

// cronKey is a key on a cron schedule.
func (w *world) cronKey(name, text string) scheduler.Key {
	w.t.Helper()
	s, err := scheduler.Parse(text)
	if err != nil {
		w.t.Fatal(err)
	}
	k := w.key(name, s)
	k.Cron = text
	return k
}

// run starts a daemon. stop ends it and returns what Run did.
func (w *world) run(o scheduler.Options, keys ...scheduler.Key) (s *scheduler.Scheduler, stop func() error) {
	w.t.Helper()
	o.Tell = say.Notices(slog.New(slog.NewTextHandler(w, nil)))
	s = scheduler.New(w.engine, o)
	if err := s.Replace(keys); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	synctest.Wait()
	return s, func() error { cancel(); return <-ended }
}

// during runs a daemon for a while.
func (w *world) during(d time.Duration, keys ...scheduler.Key) {
	w.t.Helper()
	_, stop := w.run(scheduler.Options{}, keys...)
	time.Sleep(d)
	synctest.Wait()
	if err := stop(); err != nil {
		w.t.Error(err)
	}
}

// rotations are the times of all promotions of a key.
func (w *world) rotations(name string) (times []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Key == name && e.Action == string(rotation.Promote) && e.To == keyset.Current {
			times = append(times, e.Time)
		}
	}
	return times
}

// made tells whether a key exists.
func (w *world) made(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Key == name && e.Action == string(rotation.Create) {
			return true
		}
	}
	return false
}

// A watched store tells of each read, and how many calls are made at once.
type watched struct {
	providers.Store
	takes time.Duration // each read

	mu    sync.Mutex
	reads map[string][]time.Time
	names map[string]int // calls in hand
	now   int
	peak  int
	twice bool
}

func watch(s providers.Store, takes time.Duration) *watched {
	return &watched{Store: s, takes: takes, reads: map[string][]time.Time{}, names: map[string]int{}}
}

func (s *watched) Read(ctx context.Context, name string) (providers.Revision, error) {
	s.enter(name)
	defer s.leave(name)
	time.Sleep(s.takes)
	return s.Store.Read(ctx, name)
}

func (s *watched) enter(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[name] = append(s.reads[name], time.Now())
	s.now++
	s.names[name]++
	s.peak = max(s.peak, s.now)
	s.twice = s.twice || s.names[name] > 1
}

func (s *watched) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.names[name]--
}

// of returns the times of the reads of a key.
func (s *watched) of(key string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads["test-"+key]
}

// most is the largest number of calls that were made at once.
func (s *watched) most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// overlapped tells whether two calls for one name were made at once.
func (s *watched) overlapped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.twice
}
