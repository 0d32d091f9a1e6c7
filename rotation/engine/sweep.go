package engine

import (
	"context"
	"errors"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A swept is a place whose superseded revisions are to be erased.
type swept struct {
	place  place
	store  providers.Store
	secret string
	head   providers.RevisionID
	output string // its name, "" for the key's own store
	mine   bool   // nothing but the keyset is ever there
	oneKey bool   // see Output
}

// errOvertaken says that a sweep is not the newest head's.
var errOvertaken = errors.New("another writer has moved on")

// atRest erases what is superseded, in the store and in every output that is up
// to date. It is done once for each head and each removal of a key, which need not
// change what an output shows, and again by the first pass after something that
// had to stay a while may go. It brings no pass forward: what has to stay holds
// nothing that must be gone, and a look at the store of its own would cost the
// user more than the wait for the next one. So an idle key costs no call. What
// cannot be erased is an alarm and is tried again at the next pass.
func (p *pass) atRest(ctx context.Context) {
	if p.result.Set == nil {
		return
	}
	p.result.Left = Left{}
	p.atRestIn(ctx, swept{place: p.place(), store: p.t.Store, secret: p.t.Secret, head: p.head.ID, mine: true})
	for _, o := range p.t.Outputs {
		if head, current := p.outputs.current[o.Name]; current {
			at := place{p.t.StoreName + "\x00" + p.t.Secret + "\x00" + o.Name, o.Secret}
			p.atRestIn(ctx, swept{place: at, store: o.Store, secret: o.Secret, head: head, output: o.Name, oneKey: o.OneKey})
		}
	}
}

// atRestIn does it in one place.
func (p *pass) atRestIn(ctx context.Context, s swept) {
	step := &p.result.Step
	now, dropped := p.clock(), p.result.Set.Dropped
	needed, again, kept := true, time.Time{}, 0
	p.e.remember(s.place, func(m *memory) {
		again, kept = m.sweepAt, m.left
		needed = m.swept != s.head || m.dropped != dropped || !again.IsZero() && !now.Wall.Before(again)
	})
	if needed {
		// What ends a wait takes the earlier clock; when to look again is told by
		// the host's.
		left, n, err := p.sweep(ctx, s, now.Early())
		kept = n
		switch {
		case errors.Is(err, errOvertaken): // the sweep of the newer head goes on
			p.overtaken(s, now.Wall)
			p.result.Left.Revisions += kept
			return
		case err != nil:
			p.result.Left.Revisions += kept
			p.result.Left.Failed = true
			failed := failure(func(string) rotation.Code { return rotation.NotErased }, err)
			failed.Output = s.output
			step.Alarms = append(step.Alarms, failed)
			return
		}
		again = time.Time{}
		if left > 0 {
			again = now.Wall.Add(left)
		}
		p.e.remember(s.place, func(m *memory) { m.swept, m.dropped, m.sweepAt, m.left, m.behind = s.head, dropped, again, kept, 0 })
	}
	p.result.Left.Revisions += kept
}

// overtaken plans to come back soon: whoever moved the head may have been killed,
// and what must be gone may still be there. A store that says so each time, while
// the head stays, is not asked every second for ever.
func (p *pass) overtaken(s swept, now time.Time) {
	const few, longest = 5, 10 * time.Minute
	times, step := 0, &p.result.Step
	p.e.remember(s.place, func(m *memory) { times, m.behind = m.behind, m.behind+1 })
	if soon := now.Add(min(longest, time.Second<<min(times, 10))); step.At.IsZero() || soon.Before(step.At) {
		step.At, step.Why = soon, rotation.Reason{Code: rotation.HeadMoved}
	}
	if times >= few {
		p.result.Left.Failed = true
		step.Alarms = append(step.Alarms, rotation.Reason{Code: rotation.NotErased, Output: s.output, Cause: errOvertaken.Error() + ", each time"})
	}
}

// sweep erases every revision below the head that holds what must be gone, and
// every other one that was superseded a propagation ago: until then a reader
// may still be on its way to it. What an output held before it was rotate's is
// left alone. One that cannot be erased keeps no other from it. It returns how
// long until the next one may go, 0 if none is left, and how many are left;
// errOvertaken if the head has moved on.
func (p *pass) sweep(ctx context.Context, s swept, now time.Time) (left time.Duration, kept int, err error) {
	revs, err := s.store.History(ctx, s.secret)
	if err != nil {
		return 0, 0, err
	}
	var failed []error
	for i, rev := range revs {
		if rev.ID == s.head {
			break // the head, or newer
		}
		if !s.mine && rev.Note.Lineage != p.result.Set.Lineage {
			continue
		}
		mustGo := rev.Note.Generation < p.result.Set.Dropped
		if s.oneKey {
			stays := false
			if stays, mustGo = p.holdsOne(rev.Note); stays {
				continue
			}
		}
		until := revs[min(i+1, len(revs)-1)].Created.Add(p.t.Policy.Propagation)
		kept++
		if wait := until.Sub(now); !mustGo && wait > 0 {
			if left == 0 || wait < left {
				left = wait
			}
			continue
		}
		erased, err := s.store.Erase(ctx, s.secret, rev.ID, s.head)
		if errors.Is(err, providers.ErrConflict) {
			return 0, kept, errOvertaken
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		kept--
		p.tell([]Event{p.erasure(s, rev, erased)})
	}
	return left, kept, errors.Join(failed...)
}

// holdsOne tells what becomes of a superseded revision with one key in it. While
// that key verifies it is kept: readers of the value alone find it where the
// backend shows the value before. Once the key is gone, or has left what signs
// behind, the revision must go.
func (p *pass) holdsOne(n providers.Note) (kept, mustGo bool) {
	for _, k := range p.result.Set.Keys {
		if n.Digest == kidNote(k) {
			return k.Status == keyset.Previous && k.Private(), !k.Private()
		}
	}
	return false, true
}

func (p *pass) erasure(s swept, rev providers.Revision, e providers.Erasure) Event {
	reason := "superseded: " + string(e.How)
	if s.output != "" {
		reason = s.output + ": " + reason
	}
	if !e.Until.IsZero() {
		reason += " until it is destroyed at " + e.Until.UTC().Format(time.RFC3339)
	}
	ev := p.event(Event{Action: "erase", Generation: rev.Note.Generation, Revision: string(rev.ID), Reason: reason})
	ev.Secret = s.secret
	return ev
}
