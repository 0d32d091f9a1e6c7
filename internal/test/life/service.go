package life

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A Service is what an adapter's tests know of its service.
type Service struct {
	New     func(testing.TB) World
	Changes []string // the kinds of calls that change something
	// Faults is what may go wrong with a call, by the words of providertest.Points.
	// FailsBefore, ReplyLost and Paused are known without it.
	Faults map[string]Fault
	Failed int    // passes that may fail for one fault
	Races  []Race // beside those of every service
}

// A Fault is what goes wrong with one call.
type Fault struct {
	fakes.Fault
	Kill bool                  // the process ends with it
	Skip func(fakes.Call) bool // calls with which it is not tried; nil for none
}

// OneLife lets nothing go wrong. It holds how many calls of some kinds a life
// takes: they are the user's bill.
func (s Service) OneLife(t *testing.T, want map[string]int) {
	synctest.Test(t, func(t *testing.T) {
		l := s.lead(t)
		count := map[string]int{}
		for _, kind := range l.World.Script.Kinds() {
			count[kind]++
		}
		l.EndsWell()
		t.Logf("one life of %d days (create, publish, ready, promote, settled, retire; reads; erasures): %v", int(Every/Day)+4, count)
		for kind, n := range want {
			if count[kind] != n {
				t.Errorf("%s was called %d times, want %d", kind, count[kind], n)
			}
		}
		for _, err := range l.Errs() {
			t.Error(err)
		}
	})
}

func (s Service) lead(t testing.TB) *Life {
	l := New(t, s.New(t))
	l.Run(Every + 4*Day)
	return l
}

// EveryCallMayFail is promise 10: each call of a life fails before it is made, is
// applied and loses its reply, is refused, comes late, or is the last of its
// process; or a process is frozen in it for 30 hours while another one goes on. The
// key ends where it would have. Of reads that are alike some are left out, and of
// what goes wrong with a read, some; $ROTATE_FULL tries all.
func (s Service) EveryCallMayFail(t *testing.T) {
	var calls []fakes.Call
	synctest.Test(t, func(t *testing.T) { calls = s.lead(t).World.Script.Calls() })
	faults := maps.Clone(s.Faults)
	faults[providertest.FailsBefore] = Fault{Fault: fakes.Fault{Before: fakes.ErrLost}}
	faults[providertest.ReplyLost] = Fault{Fault: fakes.Fault{After: fakes.ErrLost}}
	faults["killed before"] = Fault{Fault: fakes.Fault{Before: fakes.ErrLost}, Kill: true}
	faults["killed after it landed"] = Fault{Fault: fakes.Fault{After: fakes.ErrLost}, Kill: true}
	faults[providertest.Paused] = Fault{}
	points := providertest.Points{}
	for i, c := range calls {
		if s.idle(calls, i) {
			continue
		}
		for j, word := range slices.Sorted(maps.Keys(faults)) {
			fault := faults[word]
			if !s.tried(c, word, fault, i+j) {
				continue
			}
			points.Add(c.Kind, word)
			t.Run(fmt.Sprintf("call %d, %s %d, %s", c.All, c.Kind, c.N, word), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if l := New(t, s.New(t)); word == providertest.Paused && l.World.Frozen != nil {
						l.freezes(c.All)
					} else {
						s.oneFault(l, c.All, fault, word)
					}
				})
			})
		}
	}
	changes := s.Changes
	if thinned > 1 {
		changes = nil
	}
	points.Report(t, len(calls), changes...)
}

// idle tells a call that is one of many alike: nothing is changed near it.
func (s Service) idle(calls []fakes.Call, i int) bool {
	return !slices.ContainsFunc(calls[max(0, i-2):min(len(calls), i+3)], func(c fakes.Call) bool { return slices.Contains(s.Changes, c.Kind) })
}

// tried tells whether a fault is tried with a call. turn is another number at each
// point.
func (s Service) tried(c fakes.Call, word string, fault Fault, turn int) bool {
	changes := slices.Contains(s.Changes, c.Kind)
	switch {
	case fault.Skip != nil && fault.Skip(c):
		return false
	case os.Getenv("ROTATE_FULL") != "":
		return true
	case turn%thinned != 0:
		return false
	}
	return changes || word == providertest.FailsBefore || turn%6 == 0
}

// oneFault is a life in which one call goes wrong.
func (s Service) oneFault(l *Life, at int, fault Fault, word string) {
	if word == providertest.Paused {
		fault.Wait = 30 * time.Hour
	}
	l.World.Script.On(func(c fakes.Call) *fakes.Fault {
		if c.All != at {
			return nil
		}
		l.killed.Store(fault.Kill)
		return &fault.Fault
	})
	l.Run(Every + 5*Day)
	time.Sleep(fault.Wait + fault.Hold) // what was still under way lands
	l.endsWell(!fault.Kill && fault.Wait == 0 && fault.Hold == 0)
	if errs := l.Errs(); len(errs) > s.Failed {
		l.T.Errorf("%d passes failed, want at most %d: %v", len(errs), s.Failed, errs)
	}
}

// freezes is a life in which a process is frozen in one call, for 30 hours in which
// another one goes on.
func (l *Life) freezes(at int) {
	thaw, frozen := make(chan struct{}), make(chan struct{})
	l.frozen = true
	l.World.Script.On(fakes.Nth(at, fakes.Fault{Paused: frozen, PauseBefore: thaw}))
	var both sync.WaitGroup
	both.Go(func() { l.Run(Every + 5*Day) })
	both.Go(func() {
		<-frozen
		l.Other().Run(30 * time.Hour)
		close(thaw)
	})
	both.Wait()
	l.Run(2 * Day)
	l.EndsWell()
}

// A Race is where sixteen processes begin to rotate at once.
type Race struct {
	Name  string
	Key   bool        // there is a key already
	Begin func(World) // or nil
	// Late holds every other change back until the race is long decided: its
	// process has given up by then.
	Late bool
	// Unseen lets a loser end before it sees what the winner wrote.
	Unseen bool
}

// SixteenRotators is promise 5: of sixteen processes that rotate at once, one
// creates, or one publishes, and the others find it done.
func (s Service) SixteenRotators(t *testing.T) {
	for _, race := range append([]Race{{Name: "empty"}, {Name: "with a key", Key: true}}, s.Races...) {
		t.Run(race.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { s.race(New(t, s.New(t)), race) })
		})
	}
}

func (s Service) race(l *Life, race Race) {
	want := uint64(1)
	if race.Begin != nil {
		race.Begin(l.World)
	}
	if race.Key {
		l.Pass(engine.Ask{})
		want = 2 // published, for all of them together
	}
	gate, late := make(chan struct{}), make(chan struct{})
	l.World.Script.On(s.gates(race, gate, late))
	var all sync.WaitGroup
	for i := range 16 {
		one := l.Other()
		all.Go(func() {
			res, err := one.pass(engine.Ask{Rotate: true, By: fmt.Sprint(i)})
			if !race.Late && (err != nil || !race.Unseen && (res.Set == nil || res.Set.Generation != want)) {
				l.T.Errorf("racer %d ends with %v, %v", i, res.Set, err)
			}
		})
	}
	time.Sleep(time.Second) // all of them are about to write
	l.World.Script.On(nil)
	close(gate)
	all.Wait()
	close(late)
	time.Sleep(time.Second)
	did := 0
	for _, ev := range l.Events() {
		if ev.Action == "refuse" {
			l.T.Error(ev.Reason)
		}
		if ev.Generation == want && (ev.Action == string(rotation.Create) || ev.Action == string(rotation.Publish)) {
			did++
		}
	}
	if l.Engine == nil {
		if err := l.Start(); err != nil {
			l.T.Fatal(err)
		}
	}
	if head, _ := l.Head(); head.Note.Generation != want || did != 1 {
		l.T.Errorf("generation %d, want %d; %d say that they did it", head.Note.Generation, want, did)
	}
}

// gates is the script of a race.
func (s Service) gates(race Race, gate, late <-chan struct{}) func(fakes.Call) *fakes.Fault {
	var mu sync.Mutex
	n := 0
	return func(c fakes.Call) *fakes.Fault {
		if !slices.Contains(s.Changes, c.Kind) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if n++; race.Late && n%2 == 0 {
			return &fakes.Fault{PauseBefore: late, Late: true}
		}
		return &fakes.Fault{PauseBefore: gate}
	}
}

// Counts is how often each kind of call was made.
func Counts(kinds []string) string {
	n := map[string]int{}
	for _, kind := range kinds {
		n[kind]++
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%s %d", kind, n[kind]))
	}
	return fmt.Sprintf("%d calls: %s", len(kinds), strings.Join(out, ", "))
}
