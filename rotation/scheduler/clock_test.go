package scheduler_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Failure 20: a wall clock that is set back keeps no key from being looked at,
// not even for as long as it was set back.
func TestWallClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{2 * time.Second, 10 * time.Minute, 5 * time.Hour, 10 * 365 * day} {
		t.Run(fmt.Sprint(back), func(t *testing.T) {
			in(t, func(w *world) {
				w.store = memory.New()
				seen := watch(w.store, 0)
				w.store = seen
				_, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
				time.Sleep(90 * time.Minute)
				w.ahead.Add(-int64(back))
				before := len(seen.of("k"))
				time.Sleep(10 * time.Hour)
				if n := len(seen.of("k")) - before; n < 10 {
					t.Errorf("%d reads in 10 h, want one each hour", n)
				}
				if n := len(w.logged("set back")); n != 1 {
					t.Errorf("%d lines tell of it", n)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What became due while the host was suspended is looked at within a minute of
// its resume: the wall clock went on, the monotonic one and all sleeps did not.
func TestSuspendedHostCatchesUp(t *testing.T) {
	in(t, func(w *world) {
		_, stop := w.run(scheduler.Options{}, w.cronKey("k", "0 12 * * *"))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.ahead.Add(int64(30 * time.Hour))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(w.rotations("k")); n != 1 {
			t.Errorf("%d rotations a minute after resume", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
