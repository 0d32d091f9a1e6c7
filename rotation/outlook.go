package rotation

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// An Outlook is every date of a keyset under a policy: what RFC 7583 (DNSSEC key timing) calls publish, ready, active,
// retired and removed. Plan goes by it, and so does whoever shows a date. A zero time means never, or that nobody can
// tell yet.
type Outlook struct {
	Policy Policy
	Set    *keyset.Set
}

// Due is when the schedule wants another key to sign.
func (o Outlook) Due() time.Time {
	if o.Set.Removing != nil || len(o.Set.Keys) == 0 {
		return time.Time{}
	}
	return o.Policy.Due(o.Set.Signing().NotBefore)
}

// Publishes is when the next key has to be published to sign when it is due.
func (o Outlook) Publishes() time.Time {
	due := o.Due()
	if due.IsZero() {
		return due
	}
	return latest(due.Add(-o.Policy.Lead()), o.resumes())
}

// resumes is when the pause on record ends; zero if there is none.
func (o Outlook) resumes() time.Time {
	if o.Set.Paused == nil {
		return time.Time{}
	}
	return o.Set.Paused.Until
}

// Known is when every reader has the next key; zero while it was not seen in every place.
func (o Outlook) Known() time.Time {
	next, ok := o.Set.Next()
	if m := o.Set.Ready; !ok || m == nil || m.Kid != next.Kid {
		return time.Time{}
	}
	// guard 2: promotion waits for the skew
	return o.Set.Ready.At.Add(o.wait())
}

// wait is how long every reader takes to have what was written.
func (o Outlook) wait() time.Duration { return o.Policy.Propagation + o.Policy.Skew() }

// Begins is when the next key signs; zero while it was not seen in every place. asked says that someone wants it before
// it is due, beyond what the document has on record.
func (o Outlook) Begins(asked bool) time.Time {
	known := o.Known()
	if known.IsZero() {
		return known
	}
	known = latest(known, o.resumes())
	if _, pending := o.Set.Pending(); pending || asked {
		return known
	}
	return o.Policy.Window.Next(latest(known, o.Due()))
}

// HeldSince is since when a pause holds back a rotation that is due or asked for; zero if it holds none back.
func (o Outlook) HeldSince(now time.Time) time.Time {
	wanted := o.Due()
	if r, ok := o.Set.Pending(); ok {
		wanted = r.At
	}
	if o.Set.Paused.Over(now) || wanted.IsZero() || wanted.After(now) {
		return time.Time{}
	}
	return wanted
}

// Signs is Begins, as it is at the time now: where the window was missed, it is the next opening.
func (o Outlook) Signs(now time.Time, asked bool) time.Time {
	at := o.Begins(asked)
	if _, pending := o.Set.Pending(); at.IsZero() || pending || asked || at.After(now) {
		return at
	}
	if opens := o.Policy.Window.Next(now); opens.After(now) {
		return opens
	}
	return at
}

// Promotes is when a rotation makes another key sign, if all goes well from now on; zero if none is under way and nobody
// asked.
func (o Outlook) Promotes(now time.Time, asked bool) time.Time {
	_, published := o.Set.Next()
	_, pending := o.Set.Pending()
	switch at := o.Signs(now, asked); {
	case !at.IsZero():
		return latest(at, now)
	case published && !pending && !asked:
		return o.Policy.Window.Next(latest(now.Add(o.wait()), o.resumes()))
	case published:
		return latest(now.Add(o.wait()), o.resumes())
	case pending || asked:
		return latest(now, o.Room(), o.resumes()).Add(o.wait())
	}
	return time.Time{}
}

// Removed is when a previous key is removed: its grace, and what clocks may differ by; zero while its grace has not
// begun.
func (o Outlook) Removed(k keyset.Key) time.Time {
	if k.Expires.IsZero() {
		return time.Time{}
	}
	return k.Expires.Add(o.Policy.Skew())
}

// LastToken is when the last token of the key that k replaced can have been signed: every issuer has k by then.
func (o Outlook) LastToken(k keyset.Key) time.Time { return k.NotBefore.Add(o.wait()) }

// Full tells that a rotation cannot begin: as many keys are live as may be.
func (o Outlook) Full() bool {
	_, published := o.Set.Next()
	return !published && !o.Set.HasRoom()
}

// Room is when a keyset that is Full has room for another key; zero if it is not full, or if no grace has begun.
func (o Outlook) Room() (first time.Time) {
	if !o.Full() {
		return first
	}
	for _, k := range o.Set.Previous() {
		if at := o.Removed(k); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// LateSince is since when a step could have been taken; zero if it is none that waits for someone.
func (o Outlook) LateSince(step Step) time.Time {
	wanted, published := o.Due(), o.Publishes()
	if r, ok := o.Set.Pending(); ok {
		wanted, published = latest(r.At, o.resumes()), latest(r.At, o.resumes())
	}
	switch step.Do {
	case Publish:
		return published
	case MarkReady:
		next, _ := o.Set.Next()
		return next.Issued
	case Promote:
		at := latest(wanted, o.Known(), o.resumes())
		if _, pending := o.Set.Pending(); pending {
			return at
		}
		return o.Policy.Window.Next(at) // it was not to be taken before
	case MarkSettled:
		if r := o.Set.Removing; r != nil {
			return r.At
		}
		return o.Set.Signing().NotBefore
	case Bury:
		return o.Ends()
	case Retire:
		k, _ := o.Set.Key(step.Kid)
		return o.Removed(k)
	}
	return time.Time{}
}

// FreshFor is how long a key counts as new.
const FreshFor = 7 * 24 * time.Hour

// Fresh tells whether the keyset began a short while ago, with a key that rotate made and that still signs. Nobody had
// it before, so whoever trusted another key is logged out.
func (o Outlook) Fresh(now time.Time) bool {
	k := o.Set.Signing()
	return k.Made == 1 && !k.Adopted && now.Sub(k.Issued) < FreshFor
}

// Changed is when the keys changed last.
func (o Outlook) Changed() (last time.Time) {
	for _, k := range o.Set.Keys {
		last = latest(last, k.Issued, k.NotBefore)
	}
	for _, g := range o.Set.Gone {
		last = latest(last, g.At)
	}
	return last
}

// FirstWrite tells whether an output is behind only because nothing was ever written to it, and the pass that writes it
// is not late yet: late is how long work may wait for one.
func (o Outlook) FirstWrite(behind Reason, now time.Time, late time.Duration) bool {
	return behind.Unwritten() && now.Sub(o.Changed()) <= late+o.Policy.Skew()
}

// Unseen tells whether the newest key was not seen in every place yet.
func (o Outlook) Unseen() bool {
	if _, published := o.Set.Next(); published {
		return o.Known().IsZero()
	}
	return len(o.Set.Previous()) > 0 && (o.Set.Settled == nil || o.Set.Settled.Kid != o.Set.Signing().Kid)
}

// Hidden is the keys that verify and that readers of three variables (current, next, previous) do not have, since those
// have room for one previous key.
type Hidden struct {
	Keys []keyset.Key
	From time.Time // when a promotion hides them; zero if they are hidden now
}

// Hidden is what the three variables cannot show now or, unless promotes is zero, once another key signs at that time.
func (o Outlook) Hidden(now, promotes time.Time) Hidden {
	previous, from := o.Set.Previous(), latest(now, promotes)
	if promotes.IsZero() {
		previous = previous[min(1, len(previous)):] // the youngest has a place
	}
	verifies := func(k keyset.Key) bool { return k.Expires.IsZero() || k.Expires.After(from) }
	return Hidden{
		Keys: slices.DeleteFunc(slices.Clone(previous), func(k keyset.Key) bool { return !verifies(k) }),
		From: promotes,
	}
}

// WorstHidden is what is hidden now, or by the rotation that is under way, or asked for, if that hides more.
func (o Outlook) WorstHidden(now time.Time, asked bool) Hidden {
	is := o.Hidden(now, time.Time{})
	if at := o.Promotes(now, asked); !at.IsZero() {
		if will := o.Hidden(now, at); len(will.Keys) > len(is.Keys) {
			return will
		}
	}
	return is
}

// latest is the latest of some times.
func latest(t time.Time, others ...time.Time) time.Time {
	for _, o := range others {
		if o.After(t) {
			t = o
		}
	}
	return t
}
