package scheduler

import (
	"container/heap"
	"errors"
	"fmt"

	"github.com/robfig/cron/v3"

	"github.com/keyrotate/rotate/rotation"
)

// Replace gives the scheduler these keys in place of those that it has, before Run or during it. If one of them is
// wrong, nothing changes.
//
// A new key is looked at at once, and so is one whose Digest has changed. The others keep their deadline and back-off,
// and get their new Target for the next pass. If a removed key has a pass in hand, that pass comes to its end.
func (s *Scheduler) Replace(keys []Key) error {
	schedules, err := check(keys)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaceKeys(keys)
	s.replaceFirings(schedules)
	s.poke()
	return nil
}

// check returns the schedules by their texts, or all that is wrong.
func check(keys []Key) (map[string]rotation.Schedule, error) {
	var errs []error
	schedules, seen := map[string]rotation.Schedule{}, map[string]bool{}
	for _, k := range keys {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("key %s: "+format, append([]any{k.Target.Name}, args...)...))
		}
		if seen[k.id()] {
			fail("there are two of this name")
		}
		seen[k.id()] = true
		if k.Sync < minGap {
			fail("sync %s is shorter than %s", k.Sync, minGap)
		}
		if k.Cron == "" || schedules[k.Cron] != nil {
			continue
		}
		parsed, err := Parse(k.Cron)
		if err != nil {
			fail("schedule %q: %w", k.Cron, err)
			continue
		}
		schedules[k.Cron] = parsed
	}
	return schedules, errors.Join(errs...)
}

// replaceKeys takes over what is known of the keys that stay. s.mu is held.
func (s *Scheduler) replaceKeys(keys []Key) {
	now, old := s.now(), s.keys
	s.keys = make(map[string]*key, len(keys))
	for _, c := range keys {
		k := old[c.id()]
		switch {
		case k == nil:
			k = newKey(c, now)
		case k.gone || c.Digest == "" || c.Digest != k.Digest:
			k.configure(c, now)
		default:
			k.Key = c
		}
		s.keys[c.id()] = k
		delete(old, c.id())
	}
	for id, k := range old {
		if k.busy { // no second pass of it may begin, even if it comes back
			k.gone = true
			s.keys[id] = k
		}
	}
	// Keys that were in a lane may belong into another now: all begin as idle.
	for _, l := range s.lanes {
		l.queue = nil
	}
	s.idle = s.idle[:0]
	for _, k := range s.keys {
		k.index = -1
		if !k.busy {
			s.idle.Push(k)
		}
	}
	heap.Init(&s.idle)
}

// replaceFirings keeps the entries whose text is still in use. So a reload in the very second of a firing does not
// lose it. s.mu is held; the runner's loop never waits for it.
func (s *Scheduler) replaceFirings(schedules map[string]rotation.Schedule) {
	for text, f := range s.firings {
		f.keys = nil
		if schedules[text] == nil {
			s.cron.Remove(f.entry)
			delete(s.firings, text)
		}
	}
	for text, schedule := range schedules {
		if s.firings[text] == nil {
			f := &firing{schedule: schedule}
			f.entry = s.cron.Schedule(onClock{schedule, s.now}, cron.FuncJob(func() { s.fire(f) }))
			s.firings[text] = f
		}
	}
	for _, k := range s.keys {
		if f := s.firings[k.Cron]; f != nil && !k.gone {
			f.keys = append(f.keys, k)
		}
	}
}
