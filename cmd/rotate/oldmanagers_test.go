package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Every old revision of every output in a manager is put back in turn, in each
// way in which that manager lets a person do it: in the grace, and at the moment
// at which the wait of the next key has just ended. What rotate can tell for its
// own is written over with the newest; a stranger's is left alone, told, and
// mended once the newest is put there. Nothing is promoted, nothing else changes.
func TestPromise6EveryOldRevisionInEveryManager(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		e := newEverywhere(t)
		e.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
		pasts, generation := e.pasts(), uint64(0)
		look := func(done func(*keyset.Set) bool) func(*keyset.Set) bool {
			return func(s *keyset.Set) bool {
				for _, p := range pasts {
					if s.Generation != generation {
						p.look()
					}
				}
				generation = s.Generation
				return done(s)
			}
		}
		const week = 7 * 24 * time.Hour // in which nothing happens
		e.until(time.Hour, look(func(*keyset.Set) bool { return true }))
		time.Sleep(week)
		e.restoreAll(pasts, e.until(20*24*time.Hour, look(func(s *keyset.Set) bool { return len(s.Previous()) == 1 && s.Settled != nil })))
		e.until(20*24*time.Hour, look(func(s *keyset.Set) bool { return len(s.Gone) == 1 }))
		time.Sleep(week)
		before := e.until(20*24*time.Hour, look(func(s *keyset.Set) bool { _, next := s.Next(); return next && s.Ready != nil }))
		e.restoreAll(pasts, before)
		e.until(24*time.Hour, func(s *keyset.Set) bool { return s.Generation > before.Generation })
	})
}

func (e *everywhere) restoreAll(pasts []*past, before *keyset.Set) {
	mended, left := 0, 0
	for _, p := range pasts {
		for i, old := range p.seen[:len(p.seen)-1] {
			for _, w := range p.ways {
				if w.can != nil && !w.can(old) {
					continue
				}
				if _, next := before.Next(); next && p.carriesNext() {
					time.Sleep(e.key.Policy.Propagation + e.key.Policy.Skew() + 2*time.Second) // marks may be of a second later than now
				}
				ours := w.ours(old)
				w.put(old)
				behind := e.behind(before)
				want := p.newest().text
				if !ours {
					want = old.text
				}
				if p.now().text != want {
					e.t.Errorf("%s, text %d of %d, %s: it is not what it should be; behind: %v", p.output, i+1, len(p.seen), w.name, behind)
				}
				if refused := strings.Contains(behind[p.output], "nothing was overwritten"); refused == ours || len(behind) > 1 || ours && len(behind) > 0 {
					e.t.Errorf("%s, text %d of %d, %s: behind: %v", p.output, i+1, len(p.seen), w.name, behind)
				}
				if ours {
					mended++
				} else {
					left++
					p.ways[0].put(p.newest())
					if behind := e.behind(before); len(behind) > 0 {
						e.t.Errorf("%s, %s: with the newest put back: behind: %v", p.output, w.name, behind)
					}
				}
				for _, other := range pasts {
					if other.now().text != other.newest().text {
						e.t.Errorf("%s, text %d of %d, %s: %s is not the newest afterwards", p.output, i+1, len(p.seen), w.name, other.output)
					}
				}
			}
		}
	}
	e.t.Logf("generation %d: %d old revisions were put back and written over, %d left alone as a stranger's", before.Generation, mended, left)
}

// behind makes a pass in which nothing may be promoted or removed, and returns
// the outputs that are behind.
func (e *everywhere) behind(before *keyset.Set) map[string]string {
	r, _ := e.pass()
	if r.Set.Generation != before.Generation {
		e.t.Fatalf("generation %d after %d: %v", r.Set.Generation, before.Generation, r.Step)
	}
	all := map[string]string{}
	for _, o := range r.Outputs {
		if !o.Behind.IsZero() {
			all[o.Name] = say.Behind(o.Behind, say.Plain)
		}
	}
	return all
}
