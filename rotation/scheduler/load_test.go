package scheduler_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Failure 28: keys of one schedule spread over their jitter, reads and all, and
// never are more passes in hand than PerStore.
func TestIncident28HerdIsSpread(t *testing.T) {
	in(t, func(w *world) {
		const n = 500
		seen := watch(w.store, 100*time.Millisecond)
		w.store = seen
		var keys []scheduler.Key
		for i := range n {
			k := w.cronKey(fmt.Sprint("k", i), "0 3 * * *")
			k.Target.Policy.Jitter = time.Duration(i) * time.Hour / n
			k.Sync = 1000 * day
			keys = append(keys, k)
		}
		_, stop := w.run(scheduler.Options{}, keys...)
		time.Sleep(time.Hour)
		if peak := seen.most(); peak != 4 {
			t.Errorf("%d passes at once at the start, want 4", peak)
		}
		time.Sleep(4 * time.Hour)
		inMinute := map[time.Time]int{}
		for i, k := range keys {
			name := k.Target.Name
			got := w.rotations(name)
			due := time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC).Add(k.Target.Policy.Jitter).Truncate(time.Second)
			if len(got) != 1 || got[0].Before(due) || got[0].Sub(due) > 2*time.Second {
				t.Errorf("key %d rotated at %v, due %s", i, got, due)
			}
			for _, at := range seen.of(name) {
				if at.Hour() >= 3 {
					inMinute[at.Truncate(time.Minute)]++
				}
			}
		}
		if peak := slices.Max(counts(inMinute)); peak > 10*n/60 {
			t.Errorf("%d reads in one minute", peak)
		}
		if peak := seen.most(); peak > 4 {
			t.Errorf("%d passes at once", peak)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// 1,000 keys that are due at the same second, in a store that takes 20 ms for a
// call: the passes keep it as busy as PerStore allows from the first to the
// last, and never busier. The time is virtual, so the ratio is exact; `make
// bench` prints it.
func TestThousandDueAtOnce(t *testing.T) {
	in(t, func(w *world) {
		const n, latency, perStore = 1000, 20 * time.Millisecond, 4
		faulty := providertest.NewFaulty(w.store)
		faulty.On(func(providertest.Call) *providertest.Fault { time.Sleep(latency); return nil })
		seen := watch(faulty, 0)
		w.store = seen
		var keys []scheduler.Key
		for i := range n {
			k := w.cronKey(fmt.Sprint("k", i), "0 3 * * *")
			k.Sync = 1000 * day
			keys = append(keys, k)
		}
		_, stop := w.run(scheduler.Options{PerStore: perStore}, keys...)
		time.Sleep(time.Hour) // all are made
		before, due := len(faulty.Calls()), time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC)
		time.Sleep(time.Until(due.Add(time.Hour)))
		calls := len(faulty.Calls()) - before
		rotated, last := map[string]int{}, due
		w.mu.Lock()
		events := slices.Clone(w.events)
		w.mu.Unlock()
		for _, e := range events {
			if e.Action == string(rotation.Promote) && e.To == keyset.Current {
				rotated[e.Key]++
			}
			last = later(last, e.Time)
		}
		for _, k := range keys {
			if rotated[k.Target.Name] != 1 {
				t.Fatalf("%s rotated %d times", k.Target.Name, rotated[k.Target.Name])
			}
		}
		least := latency * time.Duration(calls) / perStore
		ratio := float64(last.Sub(due)) / float64(least)
		t.Attr("herd.ratio", fmt.Sprintf("%.3f", ratio))
		t.Attr("herd.peak", fmt.Sprint(seen.most()))
		if ratio > 1.3 || seen.most() > perStore {
			t.Errorf("%d calls took %s, at best %s; %d at once", calls, last.Sub(due), least, seen.most())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func counts(m map[time.Time]int) (all []int) {
	for _, n := range m {
		all = append(all, n)
	}
	return all
}

// The reads of a sync are spread over it, whatever the keys are called.
func TestSyncIsSpread(t *testing.T) {
	in(t, func(w *world) {
		seen := watch(w.store, 0)
		w.store = seen
		var keys []scheduler.Key
		for i := range 1200 {
			keys = append(keys, w.key(fmt.Sprintf("team-%04d", i), rotation.Every(90*day)))
		}
		w.during(2*time.Hour, keys...)
		inMinute := map[time.Time]int{}
		for _, k := range keys {
			for _, at := range seen.of(k.Target.Name)[2:] {
				inMinute[at.Truncate(time.Minute)]++
			}
		}
		if peak := slices.Max(counts(inMinute)); peak > 60 || len(inMinute) < 110 {
			t.Errorf("%d reads in one minute, in %d minutes, want about 20 in each of 120", peak, len(inMinute))
		}
	})
}

// Failure 15: an idle key costs one read a sync and no write, through a
// thousand of them.
func TestIdleCostsOneReadASync(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(memory.New())
		w.store = faulty
		keys := []scheduler.Key{w.key("a", rotation.Every(1000*day)), w.cronKey("b", "0 0 1 1 *"), w.key("c", rotation.Every(1000*day))}
		keys[2].Sync = 1000 * day
		_, stop := w.run(scheduler.Options{}, keys...)
		time.Sleep(time.Minute)
		start := len(faulty.Calls())
		time.Sleep(1000 * time.Hour)
		cost := map[string]int{}
		for _, c := range faulty.Calls()[start:] {
			cost[string(c.Op)+" "+c.Name]++
		}
		want := map[string]int{"read test-a": 1000, "read test-b": 1000}
		if fmt.Sprint(cost) != fmt.Sprint(want) {
			t.Errorf("1000 h cost %v, want %v", cost, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
