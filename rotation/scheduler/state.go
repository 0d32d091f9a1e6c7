package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A State is what is known of one key: for metrics, health checks and status.
type State struct {
	Environment, Key, Store, Secret string

	Step     rotation.Step // how the last pass that did not fail ended; zero before the first
	Result   engine.Result // the same with what it read; its Set is nil where none could be trusted
	Err      error         // of the last pass; nil if it did not fail
	Ended    time.Time     // when the last pass ended; zero before the first
	Well     time.Time     // when the last one ended that neither failed, halted nor raised an alarm
	Troubles int           // how many passes in a row failed, halted or raised an alarm
	Since    time.Time     // when the first of these ended; zero if all is well
	Busy     time.Time     // when the pass in hand began; zero if none is
	Next     time.Time     // when the next pass is planned: past while the key queues, zero while one is in hand

	Set     *keyset.Set          // the last one that could be trusted, whatever became of later passes; nil if none was seen
	Removed bool                 // the key was removed when it was last read; then Set is nil
	Read    time.Time            // when the pass began that read it: it was the truth then
	Behind  map[string]time.Time // outputs that were behind at the last pass, and since when; not to be changed
}

// States returns the state of every key, ordered by environment and name.
func (s *Scheduler) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]*key, 0, len(s.keys)) // sorted as they are: a State is large to move
	for _, k := range s.keys {
		if !k.gone {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *key) int {
		return cmp.Or(cmp.Compare(a.Target.Environment, b.Target.Environment), cmp.Compare(a.Target.Name, b.Target.Name))
	})
	states := make([]State, len(keys))
	for i, k := range keys {
		states[i] = k.state()
	}
	return states
}

// Unseen counts the keys of which no pass has ended yet, and all keys. first is the names of up to five of the unseen,
// the first by the alphabet. It copies no states and sorts no list, so a caller may ask every second.
func (s *Scheduler) Unseen() (first []string, unseen, keys int) {
	const few = 5
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.gone {
			continue
		}
		keys++
		if !k.ended.IsZero() {
			continue
		}
		unseen++
		if at, _ := slices.BinarySearch(first, k.Target.Name); at < few {
			first = slices.Insert(first, at, k.Target.Name)
			first = first[:min(few, len(first))]
		}
	}
	return first, unseen, keys
}

// State returns the state of one key; false if there is no such key.
func (s *Scheduler) State(environment, name string) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[Key{Target: engine.Target{Environment: environment, Name: name}}.id()]
	if k == nil || k.gone {
		return State{}, false
	}
	return k.state(), true
}

func (k *key) state() State {
	st := State{
		Environment: k.Target.Environment, Key: k.Target.Name, Store: k.Target.StoreName, Secret: k.Target.Secret,
		Step: k.result.Step, Err: k.err, Ended: k.ended, Troubles: k.troubles, Since: k.since, Next: k.deadline,
		Result: k.result, Well: k.well, Set: k.set, Removed: k.removed, Read: k.read, Behind: k.behind,
	}
	if k.busy {
		st.Busy = k.began
	}
	return st
}
