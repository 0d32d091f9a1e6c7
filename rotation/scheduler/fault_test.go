package scheduler_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Failure 24: a panic in the work of one key stops neither the others nor the
// daemon, and is over when its cause is.
func TestIncident24PanicStaysWithItsKey(t *testing.T) {
	in(t, func(w *world) {
		bad, good := w.key("bad", rotation.Every(3*time.Hour)), w.key("good", rotation.Every(3*time.Hour))
		var mended atomic.Bool
		whole := bad.Target.Generate
		bad.Target.Generate = func() (keyset.Key, error) {
			if !mended.Load() {
				spill([32]byte([]byte("CANARYcanaryCANARYcanaryCANARYca")))
			}
			return whole()
		}
		s, stop := w.run(scheduler.Options{}, bad, good)
		time.Sleep(10 * time.Hour)
		if n := len(w.rotations("good")); n != 3 {
			t.Errorf("%d rotations of the good key, want 3", n)
		}
		st := s.States()[0]
		if st.Err == nil || st.Since.IsZero() || st.Troubles < 60 || st.Troubles > 80 {
			t.Errorf("the bad key is at %+v", st)
		}
		if want := "key bad, store memory: a bug in rotate"; st.Err == nil || !strings.HasPrefix(st.Err.Error(), want) {
			t.Errorf("the error is %v, want %s…", st.Err, want)
		}
		mended.Store(true)
		time.Sleep(10 * time.Minute)
		if !w.made("bad") {
			t.Error("the bad key did not come back")
		}
		if len(w.logged("well again")) != 1 || len(w.logged("panicked")) == 0 || len(w.logged("scheduler_test.spill")) == 0 {
			t.Errorf("logged was\n%s", &w.log)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// spill panics with material, having it as an argument.
//
//go:noinline
func spill(material [32]byte) { panic(fmt.Errorf("with %s", material[:])) }

// Promise 7: neither the value of a panic nor the arguments of the functions on
// its stack are logged.
func TestPromise7PanicKeepsMaterial(t *testing.T) {
	in(t, func(w *world) {
		k := w.key("k", rotation.Every(day))
		k.Target.Generate = func() (keyset.Key, error) {
			spill([32]byte([]byte("CANARYcanaryCANARYcanaryCANARYca")))
			return keyset.Key{}, nil
		}
		s, stop := w.run(scheduler.Options{}, k)
		time.Sleep(time.Hour)
		said := strings.Join(w.logged(""), "") + fmt.Sprintf("%+v", s.States())
		for _, canary := range []string{"CANARY", "0x43, 0x41", "0x43414e", "67 65 78"} {
			if strings.Contains(said, canary) {
				t.Errorf("%q stands in\n%s", canary, said)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A store that never answers delays its own keys. Keys of other stores rotate
// on time, and so do keys of the same store without its outputs elsewhere.
func TestHangingStoreDelaysOnlyItsKeys(t *testing.T) {
	in(t, func(w *world) {
		hanging := providertest.NewFaulty(memory.New())
		gate := make(chan struct{})
		hanging.On(func(providertest.Call) *providertest.Fault { return &providertest.Fault{PauseBefore: gate} })
		var keys []scheduler.Key
		for i := range 20 {
			hung := w.key(fmt.Sprint("hung", i), rotation.Every(5*time.Hour))
			hung.Target.Store, hung.Target.StoreName = hanging, "hanging"
			shared := w.key(fmt.Sprint("shared", i), rotation.Every(5*time.Hour))
			shared.OutputStores = []string{"hanging"}
			shared.Target.Outputs = []engine.Output{{Name: "o", Store: hanging, Secret: "o", Render: func(*keyset.Set) (providers.Secret, error) {
				return providers.NewSecret([]byte("x")), nil
			}}}
			keys = append(keys, hung, shared)
		}
		keys = append(keys, w.key("good", rotation.Every(5*time.Hour)))
		start := time.Now()
		s, stop := w.run(scheduler.Options{}, keys...)
		if !w.made("good") || !time.Now().Equal(start) {
			t.Error("the good key waited")
		}
		time.Sleep(11 * time.Hour)
		if got := w.rotations("good"); len(got) != 2 || got[1].Sub(start) != 10*time.Hour {
			t.Errorf("the good key rotated at %v", got)
		}
		for _, st := range s.States() {
			if st.Key != "good" && st.Troubles == 0 {
				t.Errorf("%s is not in trouble", st.Key)
			}
		}
		hanging.On(nil)
		time.Sleep(30 * time.Minute)
		for _, st := range s.States() {
			if st.Troubles != 0 {
				t.Errorf("%s is at %+v", st.Key, st)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// failing returns the times of the reads of a key whose store always fails.
func failing(t *testing.T, d time.Duration, err error) (reads []time.Duration) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		faulty.On(providertest.Every(providertest.Read, providertest.Fault{Before: err}))
		seen := watch(faulty, 0)
		w.store = seen
		start := time.Now()
		w.during(d, w.cronKey("k", "* * * * *"))
		for _, at := range seen.of("k") {
			reads = append(reads, at.Sub(start))
		}
	})
	return reads
}

// Failure 23: retries double from 5 s to 10 min, less this key's own share of a
// fifth, whatever the schedule.
func TestBackOff(t *testing.T) {
	reads := failing(t, day, providers.ErrUnavailable)
	for i := range reads[1:] {
		want := min(5*time.Second<<min(i, 10), 10*time.Minute)
		if got := reads[i+1] - reads[i]; got > want || got < want*4/5 {
			t.Errorf("retry %d comes after %s, want %s at most", i, got, want)
		}
	}
	if n := len(reads); n < 24*6 || n > 24*8 {
		t.Errorf("%d reads in a day", n)
	}
	other := failing(t, day, providers.ErrUnavailable)
	if fmt.Sprint(reads) != fmt.Sprint(other) {
		t.Error("the same key retries at other times in another run")
	}
}

// Failure 28: no retry before the service wants to be asked again, and a
// service that asks for ever is not believed.
func TestIncident28RetryAfterIsHonoured(t *testing.T) {
	for asks, want := range map[time.Duration]time.Duration{47 * time.Minute: 47 * time.Minute, 1000 * day: day} {
		reads := failing(t, 5*day, &providers.Error{Op: "read", Name: "k", Kind: providers.ErrThrottled, After: asks})
		if len(reads) < 5 {
			t.Fatalf("%d reads", len(reads))
		}
		for i := range reads[1:] {
			if got := reads[i+1] - reads[i]; got != want {
				t.Errorf("asked for %s, waited for %s", asks, got)
			}
		}
	}
}

func TestSuccessEndsTheBackOff(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		fail := providertest.Every(providertest.Read, providertest.Fault{Before: providers.ErrDenied})
		faulty.On(fail)
		seen := watch(faulty, 0)
		w.store = seen
		s, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
		time.Sleep(5 * time.Hour)
		since := s.States()[0].Since
		if want := time.Now().Add(-5 * time.Hour); !since.Equal(want) {
			t.Errorf("failing since %s, want %s", since, want)
		}
		faulty.On(nil)
		time.Sleep(10 * time.Minute)
		if st := s.States()[0]; st.Err != nil || st.Troubles != 0 || !st.Since.IsZero() || !w.made("k") {
			t.Errorf("the state is %+v", st)
		}
		faulty.On(fail)
		before := len(seen.of("k"))
		time.Sleep(time.Hour + 20*time.Second)
		reads := seen.of("k")[before:]
		if len(reads) < 2 || reads[1].Sub(reads[0]) > 5*time.Second {
			t.Errorf("the first retry after a success is at %v", reads)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// An output that is behind is not left until the next sync.
func TestAlarmIsTriedAgain(t *testing.T) {
	in(t, func(w *world) {
		out := providertest.NewFaulty(memory.New())
		out.On(func(providertest.Call) *providertest.Fault {
			return &providertest.Fault{Before: providers.ErrUnavailable}
		})
		k := w.key("k", rotation.Every(day))
		k.Sync = day
		k.Target.Outputs = []engine.Output{{Name: "o", Store: out, Secret: "o", Render: func(*keyset.Set) (providers.Secret, error) {
			return providers.NewSecret([]byte("x")), nil
		}}}
		s, stop := w.run(scheduler.Options{}, k)
		time.Sleep(6 * time.Hour)
		if st := s.States()[0]; len(st.Step.Alarms) == 0 || st.Since.IsZero() {
			t.Errorf("no alarm: %+v", st)
		}
		if n := out.Count(providertest.Read); n > 6*8+10 {
			t.Errorf("%d reads of a dead output in 6 h", n)
		}
		out.On(nil)
		time.Sleep(10 * time.Minute)
		if st := s.States()[0]; st.Troubles != 0 {
			t.Errorf("still in trouble: %+v", st)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A key that halted is looked at once a sync and at its schedule, and is well
// when a person has put it right.
func TestHaltLooksAgainEachSync(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		faulty.On(providertest.Every(providertest.Read, providertest.Fault{Before: providers.ErrUnreadable}))
		w.store = faulty
		k := w.key("k", rotation.Every(day))
		k.Sync = time.Minute
		s, stop := w.run(scheduler.Options{}, k)
		time.Sleep(time.Hour - time.Second)
		if n := faulty.Count(providertest.Read); n != 61 && n != 60 {
			t.Errorf("%d reads in an hour, want one a minute", n)
		}
		if st := s.States()[0]; st.Step.Do != rotation.Halt || len(w.logged("halted")) < 30 {
			t.Errorf("the state is %+v, logged was\n%s", st, &w.log)
		}
		faulty.On(nil)
		time.Sleep(10 * time.Minute)
		if !w.made("k") {
			t.Error("the key does not go on")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Failure 10: whatever happens, a line of a kind is logged once a minute a key,
// and says how many were left out.
func TestIncident10LogIsLimited(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		w.store = faulty
		var calls atomic.Int64
		faulty.On(func(c providertest.Call) *providertest.Fault {
			n := calls.Add(1) // no two texts are the same
			if c.Name == "test-flaps" && n%2 == 0 {
				return nil
			}
			return &providertest.Fault{Before: &providers.Error{
				Op: "read", Name: c.Name, Kind: providers.ErrUnreadable, Err: fmt.Errorf("request %d", n),
			}}
		})
		halts, flaps := w.key("halts", rotation.Every(day)), w.key("flaps", rotation.Every(day))
		halts.Sync, flaps.Sync = time.Second, time.Second
		w.during(time.Hour-time.Second, halts, flaps)
		halted := w.logged("key=halts")
		if len(halted) < 58 || len(halted) > 60 {
			t.Errorf("%d lines in an hour", len(halted))
		}
		if !strings.Contains(halted[1], "omitted=59") {
			t.Errorf("what was left out is not told: %s", halted[1])
		}
		if flapped := w.logged("key=flaps"); len(flapped) > 3*60 {
			t.Errorf("%d lines in an hour of a key that comes and goes", len(flapped))
		}
	})
}

// A pass that other writers never let finish is told of, and is tried less and less often: each lost race may cost a
// version.
func TestNeverSpins(t *testing.T) {
	in(t, func(w *world) {
		faulty := providertest.NewFaulty(w.store)
		faulty.On(providertest.Every(providertest.Write, providertest.Fault{Before: providers.ErrConflict}))
		w.store = faulty
		_, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
		rounds := faulty.Count(providertest.Read) // of one pass
		if told := w.logged("other writers were faster, 8 times in a row"); len(told) != 1 {
			t.Errorf("told %d times after the eighth round, want once", len(told))
		}
		time.Sleep(time.Hour)
		if n := faulty.Count(providertest.Read) / rounds; n > 15 {
			t.Errorf("%d passes in an hour, want one in ten minutes at the end", n)
		}
		faulty.On(nil)
		time.Sleep(10 * time.Minute)
		if !w.made("k") {
			t.Error("the key was not made")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// An adapter may hang without regard to its context: the state tells.
func TestStateTellsOfAHangingPass(t *testing.T) {
	in(t, func(w *world) {
		w.store = watch(w.store, 3*day)
		start := time.Now()
		s, stop := w.run(scheduler.Options{}, w.key("k", rotation.Every(day)))
		time.Sleep(2 * day)
		if st := s.States()[0]; !st.Busy.Equal(start) || !st.Ended.IsZero() {
			t.Errorf("the state is %+v", st)
		}
		if first, unseen, keys := s.Unseen(); !slices.Equal(first, []string{"k"}) || unseen != 1 || keys != 1 {
			t.Errorf("unseen are %d of %d, %v", unseen, keys, first)
		}
		err := stop()
		if err == nil || !strings.Contains(err.Error(), "key k, store memory") {
			t.Errorf("stopping gives %v", err)
		}
		time.Sleep(10 * day)
		synctest.Wait()
		if st := s.States()[0]; !errors.Is(st.Err, providers.ErrUnavailable) {
			t.Errorf("the late end gives %v", st.Err)
		}
		if first, unseen, keys := s.Unseen(); len(first) > 0 || unseen > 0 || keys != 1 { // it failed, and that is known
			t.Errorf("unseen are %d of %d, %v", unseen, keys, first)
		}
	})
}
