package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A sweeper erases what is superseded, in the store and in every output that is
// up to date.
//
// It works once for each head, and once for each removal of a key, since a removal need not change what an output
// shows. It works again in the first pass after a revision that had to stay may go. It brings no pass forward. Such a
// revision holds nothing that must be gone, and an extra look would cost the user more than the wait for the next
// pass. So an idle key costs no call. If it cannot erase a revision, it raises an alarm, and the next pass tries
// again.
type sweeper struct {
	e      *Engine
	policy rotation.Policy
	set    *keyset.Set
	clock  rotation.Clock
	tell   func(Event)

	left   Left
	alarms []rotation.Reason
	again  time.Time // when to come back before anything is due; zero if there is no need
}

// A dirty is a place whose superseded revisions are to be erased.
type dirty struct {
	place
	at    rotation.Place
	store providers.Store
	head  providers.RevisionID
}

// errOvertaken says that a sweep is not the newest head's; errAlwaysOvertaken
// that none ever is, so that the place cannot be swept at all.
var (
	errOvertaken       = errors.New("another writer has moved on")
	errAlwaysOvertaken = errors.New("another writer has moved on, each time")
)

// rest is what a pass does when nothing else is due: it sweeps, and says how gone
// each removed key is.
func rest(ctx context.Context, p *pass) {
	if p.result.Set == nil {
		return
	}
	w := &sweeper{
		e: p.e, policy: p.t.Policy, set: p.result.Set, clock: p.clock(),
		tell: p.told.tellOf,
	}
	own := dirty{place: p.t.place(), at: rotation.Place{Content: rotation.Documents}, store: p.t.Store, head: p.head.ID}
	places := []rotation.Place{w.sweepOnce(ctx, own)}
	for _, o := range p.t.Outputs {
		d := dirty{place: p.t.outputPlace(o), at: rotation.Place{Name: o.Name, Content: o.content()}, store: o.Store, head: p.outputs.current[o.Name]}
		if _, current := p.outputs.current[o.Name]; current {
			places = append(places, w.sweepOnce(ctx, d))
		} else {
			places = append(places, w.unswept(d, p.outputs.lagging[o.Name]))
		}
	}
	step := &p.result.Step
	p.result.Left, p.result.Traces = w.left, rotation.Traces(w.clock.Wall, w.set, places)
	step.Alarms = append(step.Alarms, w.alarms...)
	if !w.again.IsZero() && (step.At.IsZero() || w.again.Before(step.At)) {
		step.At, step.Why = w.again, rotation.Reason{Code: rotation.HeadMoved}
	}
	p.e.remember(p.t.place(), func(m *memory) { m.traces, m.traced = p.result.Traces, w.clock.Early() })
}

// outputPlace is where the engine remembers an output of this key.
func (t Target) outputPlace(o Output) place {
	return place{t.StoreName + "\x00" + t.Secret + "\x00" + o.Name, o.Secret}
}

// sweepOnce sweeps a place if that was not done yet for its head, and returns
// what it shows.
func (w *sweeper) sweepOnce(ctx context.Context, d dirty) rotation.Place {
	needed, dropped := true, w.set.Dropped
	w.e.remember(d.place, func(m *memory) {
		needed = m.swept != d.head ||
			// guard 4: a removal is swept up after where the head stays
			m.dropped != dropped ||
			!m.sweepAt.IsZero() && !w.clock.Wall.Before(m.sweepAt)
		if !needed {
			w.left.Revisions += m.left
			d.at = m.past
		}
	})
	if !needed {
		return d.at
	}
	// What ends a wait takes the earlier clock; when to look again is told by the
	// host's.
	done := w.sweep(ctx, d, w.clock.Early())
	w.left.Revisions += done.left
	switch {
	case errors.Is(done.err, errOvertaken): // the sweep of the newer head goes on
		w.overtaken(d)
	case done.err != nil:
		w.fail(d, done.err)
	default:
		w.e.remember(d.place, func(m *memory) {
			m.swept, m.dropped, m.left, m.behind = d.head, dropped, done.left, 0
			m.sweepAt = time.Time{}
			if done.wait > 0 {
				m.sweepAt = w.clock.Wall.Add(done.wait)
			}
		})
	}
	w.e.remember(d.place, func(m *memory) { m.past = done.at })
	return done.at
}

func (w *sweeper) fail(d dirty, err error) {
	w.left.Failed = true
	failed := failure(func(string) rotation.Code { return rotation.NotErased }, err)
	failed.Output = d.at.Name
	w.alarms = append(w.alarms, failed)
}

// overtaken plans to come back soon. The writer that moved the head may have been killed, so a revision that must be
// gone may still be there. If a store says so each time although the head stays, rotate asks it less and less often.
func (w *sweeper) overtaken(d dirty) {
	const few, longest = 5, 10 * time.Minute
	times := 0
	w.e.remember(d.place, func(m *memory) { times, m.behind = m.behind, m.behind+1 })
	if soon := w.clock.Wall.Add(min(longest, time.Second<<min(times, 10))); w.again.IsZero() || soon.Before(w.again) {
		w.again = soon
	}
	if times >= few {
		w.fail(d, errAlwaysOvertaken)
	}
}

// unswept is what is known of a place that is behind: nothing is erased there,
// since the newest head is not in it.
func (w *sweeper) unswept(d dirty, seen synced) rotation.Place {
	traits := d.store.Traits()
	at := rotation.Place{Name: d.at.Name, Content: d.at.Content, Unseen: !traits.OneValue}
	w.e.remember(d.place, func(m *memory) {
		if m.past.Content != "" {
			at = m.past
		}
	})
	at.Erases, at.Head = string(traits.Erases), nil
	if seen.shown == nil {
		at.Unseen = true
		return at
	}
	switch head := noted(at.Content, *seen.shown); {
	case seen.revision == "": // it shows nothing
	case head.Lineage != w.set.Lineage:
		at.Unseen = true
	default:
		at.Head = &head
	}
	return at
}

// A swept is what came of one sweep.
type swept struct {
	at   rotation.Place // as it is now
	left int            // revisions that are to go and are still there
	wait time.Duration  // until the first of them may go; 0 if none waits
	err  error          // errOvertaken if the head has moved on
}

// sweep erases every revision below the head that must go, and every other one
// that may. What cannot be erased keeps no other from it.
func (w *sweeper) sweep(ctx context.Context, d dirty, now time.Time) (done swept) {
	revs, err := d.store.History(ctx, d.secret)
	past := Past{Place: d.at}
	past.Erases, past.Unseen = string(d.store.Traits().Erases), err != nil
	if err != nil || len(revs) == 0 {
		return swept{at: past.Place, err: err}
	}
	var failed []error
	kept := revs
	for i, rev := range revs {
		if rev.ID == d.head {
			break // the head, or newer
		}
		r := revision(d.at.Content, revs, i)
		fate, from := rotation.FateOf(w.policy, w.set, d.at.Content, r)
		if fate == rotation.Foreign || fate == rotation.Stays {
			continue
		}
		done.left++
		if wait := from.Sub(now); fate == rotation.MayGo && wait > 0 {
			if done.wait == 0 || wait < done.wait {
				done.wait = wait
			}
			continue
		}
		// guard 4: superseded revisions are erased
		erased, err := d.store.Erase(ctx, d.secret, rev.ID, d.head)
		if errors.Is(err, providers.ErrConflict) {
			failed = []error{errOvertaken}
			break
		}
		if err != nil {
			failed = append(failed, err)
			// guard 4: a revision that cannot be erased stops no other
			continue
		}
		done.left--
		kept = slices.DeleteFunc(slices.Clone(kept), func(k providers.Revision) bool { return k.ID == rev.ID })
		w.erased(d, rev, r, erased)
	}
	done.at, done.err = past.with(kept, w.weaker(d, now)), errors.Join(failed...)
	return done
}

// erased tells of an erasure, and keeps one that was weaker than the store's
// kind promises.
func (w *sweeper) erased(d dirty, rev providers.Revision, r rotation.Revision, e providers.Erasure) {
	if rotation.Weaker(string(e.How), string(d.store.Traits().Erases)) {
		w.e.remember(d.place, func(m *memory) {
			m.weaker = append(m.weaker, rotation.Erasure{Revision: r, How: string(e.How), Until: e.Until})
		})
	}
	ev := Event{
		Secret: d.secret, Action: eraseAction, Generation: rev.Note.Generation, Revision: string(rev.ID),
		Kids: rotation.Held(w.set, d.at.Content, r), How: string(e.How), Why: rotation.Reason{Code: rotation.Superseded, Output: d.at.Name, Is: string(e.How), At: e.Until},
	}
	if !e.Until.IsZero() {
		ev.Until = &e.Until
	}
	w.tell(ev)
}

// weaker is what this process erased in a place less strongly than its kind of
// store promises, and the service has not destroyed since.
func (w *sweeper) weaker(d dirty, now time.Time) (weaker []rotation.Erasure) {
	const most = 64 // far more than the removed keys on record had revisions
	w.e.remember(d.place, func(m *memory) {
		m.weaker = slices.DeleteFunc(m.weaker, func(e rotation.Erasure) bool { return !e.Until.IsZero() && !now.Before(e.Until) })
		m.weaker = m.weaker[max(0, len(m.weaker)-most):]
		weaker = slices.Clone(m.weaker)
	})
	return weaker
}
