package scheduler_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// A config as users write them: one key whose readers poll and one whose
// readers read at use. No sync falls into the weeks of the tests.
const weekly = `
environment: test
stores: {m: {type: memory}}
defaults: {store: m, sync: 1000d}
keys:
  polled: {schedule: "CRON_TZ=Europe/Berlin 30 3 * * 1", jitter: 20m}
  at-use: {schedule: "0 12 * * 4", propagation: 0s, grace: 24h}
`

// stored is the store of that config.
type stored struct{ store providers.Store }

func (s *stored) Open(context.Context) (providers.Store, error) { return s.store, nil }

// configured are the keys of a config, as the daemon hands them to a scheduler.
func (w *world) configured(text string) (keys []scheduler.Key) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "rotate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	c, err := config.Load(path, stores.Registry{"memory": func() providers.Config { return &stored{w.store} }})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range c.Keys {
		key := w.key(k.Name, nil)
		key.Cron, key.Sync, key.Target.Policy = k.Schedule, k.Sync, k.Policy
		key.Target.Generate = k.Spec.New
		keys = append(keys, key)
	}
	return keys
}

// unseen is a schedule that keeps the due date from the heap: a pass may know
// that a rotation is due, and when to publish, but not what date comes.
type unseen struct {
	rotation.Schedule
	hides func(firing time.Time) bool
}

func (u unseen) Next(t time.Time) time.Time {
	if at := u.Schedule.Next(t); !u.hides(at) {
		return at
	}
	return time.Time{}
}

// The sources of due dates that a test leaves a key.
const (
	both    = "both"
	runner  = "the runner alone"
	heap    = "the heap alone"
	neither = "neither"
)

// leave takes the other sources from a key.
func (w *world) leave(k *scheduler.Key, source string) {
	p := k.Target.Policy
	if source == runner || source == neither {
		k.Target.Policy.Schedule = unseen{p.Schedule, func(firing time.Time) bool {
			return firing.Add(p.Jitter).After(w.wall()) && (p.Lead() == 0 || w.published(k.Target.Name))
		}}
	}
	if source == heap || source == neither {
		k.Cron = "" // as of a schedule that the runner does not know
	}
}

// published tells whether a key has a next one.
func (w *world) published(name string) (yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Key == name {
			yes = e.Action == string(rotation.Publish) || yes && e.Action != string(rotation.Promote)
		}
	}
	return yes
}

// dates are when a key should rotate, from one time to another.
func dates(p rotation.Policy, from, to time.Time) (due []time.Time) {
	for at := p.Due(from); !at.After(to); at = p.Due(at) {
		due = append(due, at)
	}
	return due
}

// robfig/cron drives, and so does the heap: with either of the two taken away
// the keys of a config rotate to the second, and without both of them never.
func TestEachSourceIsEnough(t *testing.T) {
	for source, rotates := range map[string]bool{both: true, runner: true, heap: true, neither: false} {
		t.Run(source, func(t *testing.T) {
			in(t, func(w *world) {
				start := time.Now()
				keys := w.configured(weekly)
				want := map[string][]time.Time{}
				for i := range keys {
					if rotates {
						want[keys[i].Target.Name] = dates(keys[i].Target.Policy, start, start.Add(28*day))
					}
					w.leave(&keys[i], source)
				}
				w.during(28*day, keys...)
				for _, k := range keys {
					got, want := w.rotations(k.Target.Name), want[k.Target.Name]
					if !slices.EqualFunc(got, want, time.Time.Equal) || rotates && len(want) != 4 {
						t.Errorf("%s rotated at\n%v, want\n%v", k.Target.Name, got, want)
					}
				}
			})
		})
	}
}

// Failure 20: a host that was suspended, or whose clock is set while it runs,
// rotates within a minute of the time that its clock then shows, and to the
// second from then on. Each source does that alone.
func TestIncident20EachSourceFollowsTheClock(t *testing.T) {
	steps := []struct {
		before, step, late time.Duration // when before the firing, by how much, and how late the rotation may be
	}{
		{10 * time.Minute, 30 * time.Hour, 30 * time.Hour}, // suspended over the firing
		{10 * time.Minute, 10*time.Minute + 30*time.Second, 90 * time.Second},
		{time.Hour, 30 * time.Minute, 0}, // set forward before it
		{time.Hour, -3 * time.Hour, 0},   // set back before it
		{30 * time.Second, -2 * time.Second, 0},
	}
	for _, source := range []string{both, runner, heap} {
		for _, tt := range steps {
			t.Run(fmt.Sprintf("%s, %s", source, tt.step), func(t *testing.T) {
				in(t, func(w *world) {
					k := w.configured(weekly)[0] // at-use
					due := dates(k.Target.Policy, time.Now(), time.Now().Add(15*day))
					w.leave(&k, source)
					_, stop := w.run(scheduler.Options{}, k)
					time.Sleep(time.Until(due[0].Add(-tt.before)))
					w.ahead.Add(int64(tt.step))
					time.Sleep(8 * day)
					got := w.rotations(k.Target.Name)
					if len(got) != 2 || got[0].Before(due[0]) || got[0].Sub(due[0]) > tt.late || !got[1].Equal(due[1]) {
						t.Errorf("rotated at\n%v, want\n%v, the first at most %s late", got, due, tt.late)
					}
					said := "set back"
					if tt.step > 0 {
						said = "set forward"
					}
					if n := len(w.logged(said)); n != 1 {
						t.Errorf("%d lines tell that the clock was %s", n, said)
					}
					if err := stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// A pass between a firing and the end of the key's jitter does not take the
// look from the runner.
func TestFiringOutlastsAPass(t *testing.T) {
	in(t, func(w *world) {
		keys := w.configured(weekly)
		k := keys[1] // polled
		due := dates(k.Target.Policy, time.Now(), time.Now().Add(28*day))
		if k.Target.Policy.Jitter < time.Minute {
			t.Fatalf("its jitter is %s", k.Target.Policy.Jitter)
		}
		w.leave(&k, runner)
		s, stop := w.run(scheduler.Options{}, k)
		time.Sleep(time.Until(due[0].Add(-30 * time.Second)))
		k.Digest = "2" // a reload, which looks at once
		replace(t, s, k)
		time.Sleep(day)
		if got := w.rotations("polled"); len(got) != 1 || !got[0].Equal(due[0]) {
			t.Errorf("rotated at %v, want %s", got, due[0])
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Promise 8: `every:` needs no cron text, and neither does "@every": both are
// counted from the stored time of the last rotation, by the heap alone.
func TestPromise8EveryIsAnchored(t *testing.T) {
	in(t, func(w *world) {
		start := time.Now()
		keys := w.configured(`
environment: test
stores: {m: {type: memory}}
defaults: {store: m, sync: 1000d, propagation: 0s, grace: 24h}
keys: {a: {every: 26h}, b: {schedule: "@every 26h"}}
`)
		for i := range 10 { // restarts move nothing
			w.engine = w.freshEngine()
			w.during(time.Duration(10+i)*time.Hour, keys...)
		}
		synctest.Wait()
		for _, k := range keys {
			want := dates(k.Target.Policy, start, time.Now())
			if got := w.rotations(k.Target.Name); k.Cron != "" || len(want) != 5 || !slices.EqualFunc(got, want, time.Time.Equal) {
				t.Errorf("%s, with the text %q, rotated at\n%v, want\n%v", k.Target.Name, k.Cron, got, want)
			}
		}
	})
}
