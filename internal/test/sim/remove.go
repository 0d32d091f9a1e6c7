package sim

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// remove has someone remove the key. Unless it is for good, that is taken back before its end, however long that takes.
func (w *world) remove(i Incident) {
	if w.store.view == nil || w.store.disturbed != nil || w.removing || w.compromised() {
		return
	}
	w.struck(i.Kind, nil)
	w.removing, w.ends = true, i.Kind == End
	keep := 100 * day
	if w.ends {
		keep = i.Dur
	}
	w.persist("rotate remove", func(p *process, t engine.Target) (engine.Result, error) {
		return p.engine.Remove(context.Background(), t, keyset.Removal{For: keep, By: "someone"})
	}, func(s *keyset.Set) bool { return s.Removing != nil || w.ends }, func() {
		if w.ends {
			return
		}
		w.in(i.Dur, func() {
			w.persist("rotate remove --undo", func(p *process, t engine.Target) (engine.Result, error) {
				return p.engine.Restore(context.Background(), t, "someone")
			}, func(s *keyset.Set) bool { return s.Removing == nil }, func() { w.removing = false })
		})
	})
}

// compromised tells whether a reported key is live yet.
func (w *world) compromised() bool {
	for kid := range w.revoked {
		if w.good != nil {
			if _, live := w.good.Key(kid); live {
				return true
			}
		}
	}
	return false
}

// persist has someone run a command, each half hour, until what it returns is as it should be.
func (w *world) persist(name string, work func(*process, engine.Target) (engine.Result, error), done func(*keyset.Set) bool, then func()) {
	w.readings++
	p := w.newProcess(name, uint64(100+w.readings))
	p.asks = true
	p.work = func(t engine.Target) (engine.Result, error) { return work(p, t) }
	p.done = func() {
		if s := p.result.Set; p.err == nil && p.result.Step.Do != rotation.Halt && s != nil && done(s) {
			then()
			return
		}
		w.in(30*time.Minute, p.begin)
	}
	p.begin()
}

// judgeRemove asks whether a key that is removed goes on to sign, and whether it ends too early.
func (o *oracle) judgeRemove(p *process, old, set *keyset.Set) {
	switch {
	case set.Removed != nil && old.Removed == nil && old.Removing == nil:
		o.fail(3, "%s ended a key that nobody removes", p.name)
	case set.Removed != nil && old.Removed == nil && o.w.now.Before(old.Removing.At.Add(old.Removing.For)):
		o.fail(3, "%s ended the key at %s after its removal, and %s were promised", p.name, rotation.Duration(o.w.now.Sub(old.Removing.At)), rotation.Duration(old.Removing.For))
	case set.Removed == nil && old.Removed != nil:
		o.fail(6, "%s began a key anew where one was removed", p.name)
	case set.Removing != nil && set.Signing().Status != keyset.Previous:
		o.fail(1, "%s made a key sign that is removed", p.name)
	}
}

// judgeRemoved holds a world in which the key was removed for good against what should be left.
func (o *oracle) judgeRemoved() {
	w, set := o.w, o.good
	if set == nil || set.Removed == nil {
		o.fail(4, "the key is still there, %s after it was removed", rotation.Duration(w.now.Sub(start)))
		return
	}
	if len(set.Outputs) > 0 {
		o.fail(4, "%d places are still to be cleaned", len(set.Outputs))
	}
	for _, pl := range append([]*place{w.store}, w.outputs...) {
		for _, rev := range pl.b.readable() {
			theirs := pl.index > 0 && rev.Note.Lineage != set.Lineage // what a person put there by hand
			if v := pl.format.parse(rev); v != nil && len(v.kids) > 0 && !theirs {
				o.fail(4, "%s can still be read in revision %s of %s", v.kids[0], rev.ID, pl.name)
			}
		}
	}
}
