package scheduler

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func TestApart(t *testing.T) {
	const year = 365 * 24 * time.Hour
	tests := []struct{ wall, steady, want time.Duration }{
		{time.Minute, time.Minute, 0},
		{time.Minute, time.Minute + 30*time.Millisecond, 0},    // slewed
		{time.Minute, time.Minute - 30*time.Millisecond, 0},    //
		{time.Minute, 0, time.Minute},                          // suspended
		{10 * year, time.Minute, 10*year - time.Minute},        // set forward
		{-time.Hour, time.Minute, -time.Hour - time.Minute},    // set back
		{-10 * year, time.Minute, -10*year - time.Minute},      //
		{30 * time.Second, time.Minute, -30 * time.Second},     // by less than the sleep
		{time.Minute, time.Minute + time.Second, -time.Second}, // the least that counts
		{time.Minute, time.Minute + time.Second - 1, 0},        //
		{time.Minute + time.Second, time.Minute, time.Second},  //
		{time.Minute + time.Second - 1, time.Minute, 0},        //
	}
	for _, tt := range tests {
		if got := apart(tt.wall, tt.steady); got != tt.want {
			t.Errorf("the wall went on by %s, the monotonic clock by %s: %s, want %s", tt.wall, tt.steady, got, tt.want)
		}
	}
}

// Whatever a pass answers, the next one comes, not before the shortest
// distance, and not later than both the sync and what the answer asks for.
func TestPlanNeverSpinsAndNeverStops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "now"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))
		k := newKey(Key{Target: engine.Target{Name: rapid.String().Draw(t, "name")}}, now)
		k.Sync = time.Duration(rapid.Int64Range(int64(time.Second), int64(1000*time.Hour)).Draw(t, "sync"))
		k.troubles = rapid.IntRange(0, 1000).Draw(t, "troubles")
		step := rotation.Step{
			Do:     rapid.SampledFrom([]rotation.Action{rotation.Wait, rotation.Halt}).Draw(t, "do"),
			Alarms: rapid.SampledFrom([][]rotation.Reason{nil, {{Code: rotation.NoRoom}}}).Draw(t, "alarms"),
		}
		if rapid.Bool().Draw(t, "at") {
			step.At = now.Add(time.Duration(rapid.Int64Range(int64(-1000*time.Hour), int64(1000*time.Hour)).Draw(t, "in")))
		}
		k.settle(now, engine.Result{Step: step}, nil)
		got := k.deadline.Sub(now)
		least, most := minGap, max(k.Sync, minGap)
		if past := step.Do == rotation.Wait && !step.At.IsZero() && !step.At.After(now); past {
			most = minGap
			if len(step.Alarms) > 0 { // others were faster each time
				least, most = firstRetry*4/5, maxRetry
			}
		} else if step.Do == rotation.Wait && !step.At.IsZero() {
			most = max(minGap, min(most, step.At.Sub(now)))
		}
		if got < least || got > most {
			t.Errorf("the next pass comes after %s, want %s to %s", got, least, most)
		}
	})
}

// Reloads leave one entry for each text that is in use.
func TestOneEntryATextOfASchedule(t *testing.T) {
	s := New(&engine.Engine{Clock: func() rotation.Clock { return rotation.Clock{Wall: time.Now()} }}, Options{})
	for i := range 50 {
		var keys []Key
		for n := range 9 {
			text := fmt.Sprintf("%d %d * * *", i, n%3)
			keys = append(keys, Key{Target: engine.Target{Name: fmt.Sprint(n)}, Cron: text, Sync: time.Hour})
		}
		if err := s.Replace(keys); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.cron.Entries()); n != 3 || len(s.firings) != 3 || len(s.firings["49 0 * * *"].keys) != 3 {
		t.Errorf("there are %d entries of %v", n, s.firings)
	}
}

// The next deadline stands first, whatever a reload does to the others.
func TestReplaceKeepsTheOrder(t *testing.T) {
	now := time.Now()
	s := New(&engine.Engine{Clock: func() rotation.Clock { return rotation.Clock{Wall: now} }}, Options{})
	var keys []Key
	for i := range 100 {
		keys = append(keys, Key{Target: engine.Target{Name: fmt.Sprint(i)}, Sync: time.Hour, Digest: "1"})
	}
	for range 2 {
		if err := s.Replace(keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range s.keys {
			k.deadline = k.sync(now)
		}
	}
	if err := s.Replace(keys[:60]); err != nil {
		t.Fatal(err)
	}
	last := now
	for n := 60; n > 0; n-- {
		k := heap.Pop(&s.idle).(*key)
		if k.deadline.Before(last) || k.index != -1 || len(s.idle) != n-1 {
			t.Fatalf("with %d left the next is at %s, after %s", n, k.deadline, last)
		}
		last = k.deadline
	}
}

// The first names of the unseen are always the same ones, in order, however many
// there are.
func TestUnseenNamesTheFirst(t *testing.T) {
	s := New(&engine.Engine{Clock: new(engine.SystemClock).Now}, Options{})
	var keys []Key
	for i := range 300 {
		keys = append(keys, Key{Target: engine.Target{Name: fmt.Sprintf("k%03d", i), StoreName: "s"}, Sync: time.Hour})
	}
	if err := s.Replace(keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range s.keys {
		if k.Target.Name < "k100" || k.Target.Name == "k102" {
			k.ended = time.Now()
		}
		k.gone = k.Target.Name == "k299"
	}
	first, unseen, all := s.Unseen()
	if want := []string{"k100", "k101", "k103", "k104", "k105"}; !slices.Equal(first, want) || unseen != 198 || all != 299 {
		t.Errorf("%v, %d of %d", first, unseen, all)
	}
}

// A wake with nothing due looks at one key, and one with a key due moves that
// one: neither grows with the number of keys.
func BenchmarkWake(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		now := time.Now()
		s := New(&engine.Engine{Clock: func() rotation.Clock { return rotation.Clock{Wall: now} }}, Options{})
		s.stopping = true // no pass begins: what a wake itself costs
		var keys []Key
		for i := range n {
			keys = append(keys, Key{Target: engine.Target{Name: fmt.Sprint(i), StoreName: "s"}, Sync: time.Hour})
		}
		if err := s.Replace(keys); err != nil {
			b.Fatal(err)
		}
		for _, k := range s.keys {
			k.deadline = k.sync(now)
		}
		heap.Init(&s.idle)
		b.Run(fmt.Sprintf("idle/%d", n), func(b *testing.B) {
			for b.Loop() {
				s.wake(b.Context())
			}
		})
		b.Run(fmt.Sprintf("one due/%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				k := s.idle[len(s.idle)-1-i%(n/2)]
				k.deadline = now
				heap.Fix(&s.idle, k.index)
				s.wake(b.Context())
				delete(s.lanes, k.lane())
				k.deadline = k.sync(now)
				heap.Push(&s.idle, k)
			}
		})
	}
}

// A pass that has read a keyset and failed leaves no older one behind, in which a
// key may be that is gone.
func TestAFailedPassLeavesNoOlderSet(t *testing.T) {
	now := time.Unix(4e8, 0)
	k := newKey(Key{Target: engine.Target{Name: "k"}, Sync: time.Hour}, now)
	older, newer := &keyset.Set{Generation: 1}, &keyset.Set{Generation: 2}
	k.settle(now, engine.Result{Set: older}, nil)
	k.settle(now, engine.Result{Set: newer}, errors.New("the disk is full"))
	if st := k.state(); st.Set != newer || st.Result.Set != newer {
		t.Errorf("generation %d, and the last result has %d", st.Set.Generation, st.Result.Set.Generation)
	}
}

// That a key was removed is known until it is read otherwise, whatever becomes of later passes.
func TestARemovedKeyStaysRemoved(t *testing.T) {
	now := time.Unix(4e8, 0)
	k := newKey(Key{Target: engine.Target{Name: "k"}, Sync: time.Hour}, now)
	k.settle(now, engine.Result{Removed: &keyset.Set{}}, errors.New("an output cannot be cleaned"))
	k.settle(now, engine.Result{Step: rotation.Step{Do: rotation.Halt}}, nil)
	if !k.state().Removed {
		t.Error("forgotten")
	}
	k.settle(now, engine.Result{Set: &keyset.Set{}}, nil)
	if k.state().Removed {
		t.Error("another key begins")
	}
}
