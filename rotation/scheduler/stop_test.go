package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Promise 10: whoever is told to stop finishes the write in hand, begins no
// other pass, and leaves nothing behind for the next start.
func TestPromise10StopFinishesTheWriteInHand(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		gate, paused := make(chan struct{}), make(chan struct{})
		faulty.On(providertest.Nth(providertest.Write, 1, providertest.Fault{PauseAfter: gate, Paused: paused}))
		w.store = faulty
		var keys []scheduler.Key
		for i := range 10 {
			keys = append(keys, w.key(fmt.Sprint("k", i), rotation.Every(day)))
		}
		idle := w.key("idle", rotation.Every(day)) // it is next when the pass in hand ends
		idle.Target.Store, idle.Target.StoreName, idle.Sync = memory.New(), "other", time.Second
		_, stop := w.run(scheduler.Options{PerStore: 1}, append(keys, idle)...)
		<-paused
		time.AfterFunc(3*time.Second, func() { close(gate) })
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("stopping took %s, the write 3s", took)
		}
		made := 0
		for i := range 10 {
			if w.made(fmt.Sprint("k", i)) {
				made++
			}
		}
		if made != 1 || faulty.Count(providertest.Write) != 1 {
			t.Errorf("%d keys were made in %d writes, want the one in hand", made, faulty.Count(providertest.Write))
		}
	})
}

// A store that answers no more is left after 5 s at most, with the names of the
// keys; the next start finishes what was begun.
func TestPromise10StopLeavesAHungStore(t *testing.T) {
	in(t, func(w *world) {
		whole := w.store
		w.store = watch(w.store, time.Hour) // does not heed its context
		start := time.Now()
		s, stop := w.run(scheduler.Options{}, w.key("b", rotation.Every(day)), w.key("a", rotation.Every(day)))
		err := stop()
		if took := time.Since(start); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if err == nil || !strings.HasSuffix(err.Error(), ": key a, store memory; key b, store memory") {
			t.Errorf("the error is %v", err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if w.made("a") || s.States()[0].Err == nil {
			t.Error("an abandoned pass went on")
		}
		w.store, w.engine = whole, w.freshEngine()
		w.during(time.Minute, w.key("a", rotation.Every(day)), w.key("b", rotation.Every(day)))
		if !w.made("a") || !w.made("b") {
			t.Error("the next start did not finish")
		}
	})
}

// A store that heeds its context ends the pass after 4 s, so nothing is
// abandoned.
func TestStopCancelsAfterFourSeconds(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		faulty.On(providertest.Every(providertest.Read, providertest.Fault{PauseBefore: make(chan struct{})}))
		w.store = faulty
		start := time.Now()
		s, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if st := s.States()[0]; st.Err == nil || !strings.Contains(st.Err.Error(), "shutting down") {
			t.Errorf("the state is %+v", st)
		}
		if warned, told := w.logged("level=WARN"), w.logged("cut short"); len(warned) > 0 || len(told) != 1 {
			t.Errorf("a stop that was asked for is no failure; logged was\n%s", &w.log)
		}
	})
}

func TestStopWhenIdleIsImmediate(t *testing.T) {
	in(t, func(w *world) {
		_, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
		time.Sleep(time.Hour)
		start := time.Now()
		if err := stop(); err != nil || time.Since(start) != 0 {
			t.Errorf("stopping took %s (%v)", time.Since(start), err)
		}
	})
}

// Promise 5: however many firings, reloads and deadlines come together, a key
// never has two passes in hand, and one due date is one rotation.
func TestPromise5OnePassAtATime(t *testing.T) {
	in(t, func(w *world) {
		seen := watch(w.store, 700*time.Millisecond)
		w.store = seen
		k := w.cronKey("k", "* * * * *")
		k.Target.Policy = rotation.Policy{Schedule: rotation.Every(3 * time.Hour), Grace: 2 * time.Hour}
		k.Sync, k.Digest = time.Second, ""
		s, stop := w.run(scheduler.Options{}, k)
		for i := range 10_000 {
			keys := []scheduler.Key{k}
			if i%3 == 0 {
				keys = nil
			}
			if err := s.Replace(keys); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i%9) * 400 * time.Millisecond)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if seen.overlapped() {
			t.Error("two passes of one key were made at once")
		}
		if n := len(w.rotations("k")); n != 1 {
			t.Errorf("%d rotations in 4.4 h", n)
		}
	})
}

// A watchdog hears of every minute, even if no store answers.
func TestBeatComesEveryMinute(t *testing.T) {
	in(t, func(w *world) {
		w.store = watch(w.store, 10*time.Minute) // does not heed its context
		var longest time.Duration
		last := time.Now()
		_, stop := w.run(scheduler.Options{Beat: func() {
			longest = max(longest, time.Since(last))
			last = time.Now()
		}}, w.key("k", rotation.Every(day)))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if longest > time.Minute || longest == 0 {
			t.Errorf("the longest silence was %s", longest)
		}
		if silent := time.Since(last); silent > time.Minute {
			t.Errorf("silent for %s", silent)
		}
		_ = stop()
		time.Sleep(10 * time.Minute) // until the store has answered its last call
	})
}
