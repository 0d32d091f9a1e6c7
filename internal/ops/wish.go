package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// RotateOptions say how Rotate rotates.
type RotateOptions struct {
	Wait    bool   // stay until another key signs
	Request string // names the wish, so that a repeat of it changes nothing; "" if it has no name
	DryRun  bool   // look, and change nothing

	// Idle waits for a time on behalf of a wish, and may tell how it goes; nil just
	// waits. Away is told of the first failure of a store that is tried again; nil
	// tells nobody. Both may be called for several keys at once.
	Idle func(ctx context.Context, w *Wish, until time.Time) error
	Away func(w *Wish, err error)
}

// words is the command as the audit tells it. The id of a request may say more
// than a record should.
func (o RotateOptions) words() string {
	words := "rotate now"
	if o.Wait {
		words += " --wait"
	}
	if o.Request != "" {
		words += " --request, id " + keyset.NamedRequest(o.Request, "", "").ID
	}
	return words
}

// A Wish is to rotate one key away from the kid that signed when it was first
// looked at, and what came of it.
type Wish struct {
	Key  *fleet.Key
	Ask  engine.Ask
	Last engine.Result  // of the last pass; in a dry run of the look
	Did  []engine.Event // by all passes
	Dry  bool
}

// Rotate rotates keys away from what signs now, without logging anyone out. The
// wishes come in the order of the keys.
func (h *Host) Rotate(ctx context.Context, keys []*fleet.Key, o RotateOptions) iter.Seq[Outcome[*Wish]] {
	eng, atOnce := h.Engine(), AtOnce
	if o.Wait {
		atOnce = len(keys) // what waits is no work
	}
	return Each(ctx, keys, atOnce, func(ctx context.Context, k *fleet.Key) (*Wish, error) {
		w := &Wish{Key: k, Ask: engine.Ask{Rotate: true, ID: o.Request, By: h.Actor}, Dry: o.DryRun}
		if o.DryRun {
			return w, w.look(ctx, h)
		}
		h.command(k, o.words())
		return w, w.fulfil(ctx, h, eng, o)
	})
}

// look finds what a pass would do first.
func (w *Wish) look(ctx context.Context, h *Host) error {
	r, err := h.Certain(ctx, w.Key, w.Ask)
	w.Ask.Away, w.Last = r.Away, r
	return cmp.Or(err, w.ends())
}

// ends is an error if the key is being removed, or was.
func (w *Wish) ends() error {
	switch r := w.Last; {
	case r.Removed != nil:
		return say.Failed(say.Removed(w.Key.Name, rotation.WasRemoved(r.Removed)))
	case r.Set != nil && r.Set.Removing != nil:
		return say.Failed(say.BeingRemoved(w.Key.Name))
	}
	return nil
}

// fulfil makes passes until the wish is on record, or with Wait has come true.
func (w *Wish) fulfil(ctx context.Context, h *Host, eng *engine.Engine, o RotateOptions) error {
	if err := w.pass(ctx, h, eng); err != nil {
		return err
	}
	if err := w.ends(); err != nil {
		return err
	}
	for o.Wait && !w.Over() {
		idle := o.Idle
		if idle == nil {
			idle = func(ctx context.Context, _ *Wish, until time.Time) error { return Pause(ctx, until.Sub(h.Now())) }
		}
		if err := idle(ctx, w, w.until(h.Now())); err != nil {
			return fmt.Errorf("key %s: stopped waiting: %w; the rotation is on record, and a running daemon or `rotate run --once` goes on with it", w.Key.Name, err)
		}
		if err := w.again(ctx, h, eng, o.Away); err != nil {
			return err
		}
	}
	return nil
}

// Soon is when to look again at what is in the way.
const Soon = time.Minute

// until is when there may be something to do: at the latest when the daemon would
// look.
func (w *Wish) until(now time.Time) time.Time {
	until, step := now.Add(w.Key.Sync), w.Last.Step
	if len(step.Alarms) > 0 {
		return now.Add(min(Soon, w.Key.Sync))
	}
	if !step.At.IsZero() && step.At.Before(until) {
		until = step.At
	}
	return until
}

// again is a pass of a wait that has begun: a store that cannot be reached for a
// while does not end it.
func (w *Wish) again(ctx context.Context, h *Host, eng *engine.Engine, away func(*Wish, error)) error {
	for told := false; ; told = true {
		err := w.pass(ctx, h, eng)
		passing := errors.Is(err, providers.ErrUnavailable) || errors.Is(err, providers.ErrThrottled) || errors.Is(err, providers.ErrUnclear)
		if !passing || ctx.Err() != nil {
			return err
		}
		if !told && away != nil {
			away(w, err)
		}
		if err := Pause(ctx, Soon); err != nil {
			return err
		}
	}
}

// pass goes on with the rotation as far as the time allows.
func (w *Wish) pass(ctx context.Context, h *Host, eng *engine.Engine) error {
	r, err := h.Rest(ctx, eng, w.Key, w.Ask)
	w.Ask.Away = r.Away
	w.Did = append(w.Did, r.Did...)
	if err == nil {
		w.Last = r
	}
	if err == nil && r.Step.Do == rotation.Halt {
		return Halted(w.Key, r.Step.Why)
	}
	return err
}

// Over tells whether the wish has come true: another key signs than the asker
// saw, or the request was served before.
func (w *Wish) Over() bool {
	set := w.Last.Set
	r, recorded := w.Recorded()
	return set.Signing().Kid != w.Ask.Away || recorded && r.From != set.Signing().Kid
}

// Recorded is the wish as the document has it on record.
func (w *Wish) Recorded() (keyset.Request, bool) {
	id := keyset.UnnamedRequest(w.Ask.Away, "").ID
	if w.Ask.ID != "" {
		id = keyset.NamedRequest(w.Ask.ID, "", "").ID
	}
	return w.Last.Set.Recorded(id)
}

// Took tells whether this process took a step.
func (w *Wish) Took(do rotation.Action) bool {
	return slices.ContainsFunc(w.Did, func(ev engine.Event) bool { return ev.Action == string(do) })
}

// Outlook is the dates of the keyset that was seen last.
func (w *Wish) Outlook() rotation.Outlook { return w.Key.Outlook(w.Last.Set) }

// Hidden is which keys three variables do not show, now or when the rotation that
// is wished for makes another key sign.
func (w *Wish) Hidden(now time.Time) rotation.Hidden {
	look, set := w.Outlook(), w.Last.Set
	if _, asked := set.Pending(); w.Dry && !asked && set.Signing().Kid == w.Ask.Away && !w.Over() {
		return look.Hidden(now, look.Promotes(now, true))
	}
	return look.WorstHidden(now, false)
}
