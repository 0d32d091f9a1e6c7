package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// replace replaces keys and lets what follows at once happen.
func replace(t *testing.T, s *scheduler.Scheduler, keys ...scheduler.Key) {
	t.Helper()
	if err := s.Replace(keys); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestReplaceLeavesUnchangedKeysAlone(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		w.store = faulty
		faulty.On(func(c providertest.Call) *providertest.Fault {
			if c.Name != "test-fails" {
				return nil
			}
			return &providertest.Fault{Before: providers.ErrDenied}
		})
		keys := []scheduler.Key{w.key("fails", rotation.Every(day)), w.cronKey("waits", "0 12 * * *"), w.key("every", rotation.Every(day))}
		s, stop := w.run(scheduler.Options{}, keys...)
		time.Sleep(40 * time.Minute)
		synctest.Wait()
		before, calls := s.States(), len(faulty.Calls())
		replace(t, s, keys[2], keys[0], keys[1])
		if got := s.States(); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("the states are\n%v, were\n%v", got, before)
		}
		if n := len(faulty.Calls()); n != calls {
			t.Errorf("%d calls were made", n-calls)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The next pass of an unchanged key uses what the new configuration opened.
func TestReplaceHandsOnTheNewTarget(t *testing.T) {
	in(t, func(w *world) {
		k := w.key("k", rotation.Every(day))
		s, stop := w.run(scheduler.Options{}, k)
		again := watch(w.store, 0)
		k.Target.Store = again
		replace(t, s, k)
		time.Sleep(time.Hour)
		if len(again.of("k")) != 1 {
			t.Errorf("%d reads of the new store", len(again.of("k")))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestReplaceLooksAtChangedKeysAtOnce(t *testing.T) {
	in(t, func(w *world) {
		broken := providertest.NewFaulty(memory.New())
		broken.On(providertest.Every(providertest.Read, providertest.Fault{Before: &providers.Error{Kind: providers.ErrDenied, After: day}}))
		k := w.key("k", rotation.Every(day))
		k.Target.Store = broken
		s, stop := w.run(scheduler.Options{}, k)
		fresh := w.key("k", rotation.Every(day))
		fresh.Digest = "2"
		replace(t, s, fresh, w.key("new", rotation.Every(day)))
		if !w.made("k") || !w.made("new") {
			t.Error("the changed and the new key were not looked at at once")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A change during a pass is looked at when that pass has ended, even if it
// failed in its old configuration.
func TestReplaceDuringAPass(t *testing.T) {
	in(t, func(w *world) {
		gate := make(chan struct{})
		old := providertest.NewFaulty(memory.New())
		old.On(providertest.Every(providertest.Read, providertest.Fault{PauseBefore: gate, Before: providers.ErrDenied}))
		k := w.key("k", rotation.Every(day))
		k.Target.Store = old
		s, stop := w.run(scheduler.Options{}, k)
		fresh := w.key("k", rotation.Every(day))
		fresh.Digest = "2"
		replace(t, s, fresh)
		if w.made("k") {
			t.Error("a second pass began")
		}
		close(gate)
		time.Sleep(time.Second)
		synctest.Wait()
		if !w.made("k") {
			t.Error("the new configuration was not looked at")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A removed key's pass in hand finishes, and no other begins; if the key comes
// back meanwhile, it waits for that.
func TestReplaceRemoves(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		w.store = faulty
		gate := make(chan struct{})
		faulty.On(providertest.Nth(providertest.Write, 1, providertest.Fault{PauseBefore: gate}))
		k, other := w.cronKey("k", "* * * * *"), w.cronKey("other", "* * * * *")
		s, stop := w.run(scheduler.Options{PerStore: 1}, k)
		replace(t, s, other)
		if st := s.States(); len(st) != 1 || st[0].Key != "other" {
			t.Errorf("the states are %v", st)
		}
		replace(t, s, k)
		replace(t, s)
		close(gate)
		synctest.Wait()
		if !w.made("k") {
			t.Error("the pass in hand did not finish")
		}
		calls := len(faulty.Calls())
		time.Sleep(day)
		if n := len(faulty.Calls()); n != calls || len(s.States()) != 0 {
			t.Errorf("%d calls for no key", n-calls)
		}
		replace(t, s, k)
		if len(faulty.Calls()) == calls {
			t.Error("the key that came back was not looked at")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A key that is removed during its pass and comes back stays.
func TestReplaceBringsBack(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		w.store = faulty
		gate := make(chan struct{})
		faulty.On(providertest.Nth(providertest.Read, 1, providertest.Fault{PauseBefore: gate}))
		k := w.key("k", rotation.Every(3*time.Hour))
		s, stop := w.run(scheduler.Options{}, k)
		replace(t, s)
		replace(t, s, k)
		close(gate)
		time.Sleep(10 * time.Hour)
		if len(s.States()) != 1 || len(w.rotations("k")) != 3 {
			t.Errorf("the states are %v, the rotations %v", s.States(), w.rotations("k"))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestReplaceMovesBetweenSchedules(t *testing.T) {
	in(t, func(w *world) {
		seen := watch(w.store, 0)
		w.store = seen
		hourly, daily := w.cronKey("k", "7 * * * *"), w.cronKey("k", "9 9 * * *")
		hourly.Target.Policy.Schedule, daily.Target.Policy.Schedule = rotation.Every(1000*day), rotation.Every(1000*day)
		hourly.Sync, daily.Sync, daily.Digest = 1000*day, 1000*day, "2"
		stays := w.cronKey("stays", "7 * * * *")
		s, stop := w.run(scheduler.Options{}, hourly, stays)
		time.Sleep(10 * day)
		if n := len(seen.of("k")); n != 2+240 {
			t.Errorf("%d reads of the hourly key", n)
		}
		replace(t, s, stays, daily)
		time.Sleep(10 * day)
		if n := len(seen.of("k")); n != 2+240+1+10 {
			t.Errorf("%d reads after it became daily", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// What cannot be scheduled is refused, all of it at once, and the keys that
// stood go on.
func TestReplaceRefuses(t *testing.T) {
	in(t, func(w *world) {
		good := w.key("good", rotation.Every(3*time.Hour))
		s, stop := w.run(scheduler.Options{}, good)
		bad, short := w.key("bad", rotation.Every(day)), w.key("short", rotation.Every(day))
		bad.Cron = "61 * * * *"
		short.Sync = 0
		zone := w.key("zone", rotation.Every(day))
		zone.Cron = "CRON_TZ=Europe/Berlin"
		err := s.Replace([]scheduler.Key{w.key("fresh", rotation.Every(day)), bad, short, zone, short})
		want := []string{
			`key bad: schedule "61 * * * *": `,
			"key short: sync 0s is shorter than 1s",
			`key zone: schedule "CRON_TZ=Europe/Berlin": nothing follows the time zone`,
			"key short: there are two of this name",
		}
		for _, text := range want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%q is not in %v", text, err)
			}
		}
		time.Sleep(10 * time.Hour)
		if st := s.States(); len(st) != 1 || len(w.rotations("good")) != 3 || w.made("fresh") {
			t.Errorf("after a refused reload: %v, rotations %v", st, w.rotations("good"))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
