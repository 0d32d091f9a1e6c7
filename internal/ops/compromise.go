package ops

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// ReportOptions say which keys were compromised.
type ReportOptions struct {
	Kids    []string // whole, or in their short form; none for the key that signs
	Request string   // names the report, so that a repeat of it changes nothing; "" if it has no name
}

// A Report is a report of compromised keys of one key: found, and then revoked. It
// is not safe for concurrent use.
type Report struct {
	Key    *fleet.Key
	Before *keyset.Set // as it was when the report came
	Kids   []string    // that are compromised
	Repeat bool        // taken for a repeat of an earlier report, as no kid was named

	host   *Host
	engine *engine.Engine
	id     string
}

// Report settles which keys are meant, once: whoever else is at work meanwhile, no
// other key is ever revoked by this report.
func (h *Host) Report(ctx context.Context, k *fleet.Key, o ReportOptions) (*Report, error) {
	seen, err := h.Certain(ctx, k, engine.Ask{})
	set := seen.Set
	switch {
	case err != nil:
		return nil, err
	case seen.Removed != nil:
		return nil, say.Failed(say.Removed(k.Name, rotation.WasRemoved(seen.Removed)))
	case set == nil:
		return nil, refuse(say.NothingToRevoke(k.Name))
	}
	r := &Report{Key: k, Before: set, host: h, engine: h.Engine()}
	if o.Request != "" {
		r.id = "compromised " + o.Request // apart from a wish to rotate of that name
	}
	asked, recorded := set.Recorded(keyset.NamedRequest(r.id, "", "").ID)
	replaced, repeat := set.Replaced()
	switch {
	case len(o.Kids) > 0:
		for _, kid := range o.Kids {
			if kid, err = FindKid(set, kid); err != nil {
				return nil, err
			}
			r.Kids = append(r.Kids, kid)
		}
	case o.Request != "" && recorded:
		r.Kids = []string{asked.From}
	case repeat:
		// A script that repeats its command must not log everyone out once more.
		r.Kids, r.Repeat = []string{replaced.Kid}, true
	default:
		r.Kids = []string{set.Signing().Kid}
	}
	return r, nil
}

// Done tells whether nothing was left to be revoked when the report came.
func (r *Report) Done() bool { return r.revokedIn(r.Before) }

// revokedIn tells whether all of the kids are on a keyset's revoked list.
func (r *Report) revokedIn(set *keyset.Set) bool {
	return !slices.ContainsFunc(r.Kids, func(kid string) bool { return !slices.Contains(set.Revoked, kid) })
}

// Named lists the kids in their short form.
func (r *Report) Named() string { return say.Kids(r.Kids) }

// A Revocation is what came of a report.
type Revocation struct {
	*Report
	Wish  *Wish          // the key as it goes on
	Found engine.Remains // what a look at every place found
}

// Revoke does it, as far as places can be reached. The revocation is nil if
// nothing is known of what came of it. A LeftError comes with a revocation, and
// tells where the keys may still be.
func (r *Report) Revoke(ctx context.Context) (*Revocation, error) {
	r.host.command(r.Key, "report of a compromise: revoke "+r.Named())
	last, failed := r.host.Rest(ctx, r.engine, r.Key, engine.Ask{Revoke: r.Kids, ID: r.id, By: r.host.Actor})
	if failed == nil && last.Step.Do == rotation.Halt {
		return nil, Halted(r.Key, last.Step.Why)
	}
	if failed == nil && last.Removed != nil {
		return r.ended(last)
	}
	found, err := r.engine.Remains(ctx, r.Key.Target)
	switch {
	case failed == nil && err != nil:
		return nil, say.Hint(err, say.MayBeRevoked(r.Named()))
	case found.Set == nil || !r.revokedIn(found.Set):
		return nil, cmp.Or(failed, say.NotRevoked(r.Key.Name, r.Named()))
	}
	last.Set = found.Set
	done := &Revocation{r, &Wish{Key: r.Key, Ask: engine.Ask{Away: r.Before.Signing().Kid}, Last: last, Did: last.Did}, found}
	if failed == nil && len(found.Left) == 0 {
		return done, nil
	}
	return done, &LeftError{Key: r.Key.Name, Kids: r.Kids, Left: found.Left, Cause: failed}
}

// ended is the revocation of every key that a key had which was being removed.
func (r *Report) ended(last engine.Result) (*Revocation, error) {
	last.Set = last.Removed
	done := &Revocation{r, &Wish{Key: r.Key, Ask: engine.Ask{Away: r.Before.Signing().Kid}, Last: last, Did: last.Did}, engine.Remains{Set: last.Removed}}
	for _, a := range last.Step.Alarms {
		if a.Code == rotation.NotErased {
			done.Found.Left = append(done.Found.Left, engine.Leftover{Store: r.Key.StoreName, Output: a.Output, Secret: r.Key.Secret, Code: engine.LeftUnread, Cause: errors.New(a.Cause)})
		}
	}
	if len(done.Found.Left) == 0 {
		return done, nil
	}
	return done, &LeftError{Key: r.Key.Name, Kids: r.Kids, Left: done.Found.Left}
}

// Since is when the last of the kids was revoked; zero if that is not on record.
func (r *Revocation) Since() time.Time {
	for _, g := range r.Found.Set.Gone {
		if slices.Contains(r.Kids, g.Kid) {
			return g.At
		}
	}
	return time.Time{}
}

// Trace is how gone the kids are in all places: the weakest of them.
func (r *Revocation) Trace(now time.Time) rotation.Trace {
	return r.trace(now, r.Found.Set, engine.Places(r.Found.Pasts)...)
}

// In is how gone the kids are in one place, whatever others show or the document
// notes.
func (r *Revocation) In(now time.Time, p engine.Past) rotation.Trace {
	alone := *r.Found.Set
	alone.Outputs, alone.Gone = nil, slices.Clone(alone.Gone)
	for i := range alone.Gone {
		alone.Gone[i].How = ""
	}
	return r.trace(now, &alone, p.Place)
}

func (r *Revocation) trace(now time.Time, set *keyset.Set, places ...rotation.Place) (weakest rotation.Trace) {
	for i, kid := range r.Kids {
		gone := keyset.Gone{Kid: kid} // removed longer ago than the document tells
		if at := slices.IndexFunc(set.Gone, func(g keyset.Gone) bool { return g.Kid == kid }); at >= 0 {
			gone = set.Gone[at]
		}
		if t := rotation.TraceOf(now, set, gone, places); i == 0 || rotation.Weaker(t.How, weakest.How) {
			weakest = t
		}
	}
	return weakest
}

// ErasedIn is the revisions of a secret that this report has erased.
func (r *Revocation) ErasedIn(secret string) (ids []string) {
	for _, ev := range r.Wish.Did {
		if ev.Action == "erase" && ev.Secret == secret && !slices.Contains(ids, ev.Revision) {
			ids = append(ids, ev.Revision)
		}
	}
	return ids
}

// A Harm is who is logged out by the loss of a key. rotate counts no tokens, so it
// bounds the time in which they were issued.
type Harm struct {
	None     bool          // nobody should notice
	Unsigned bool          // no token was signed with it yet
	From, To time.Time     // when the tokens were issued that are lost; To is zero for now
	Life     time.Duration // none lives longer; 0 if that is not known
	Guessed  bool          // Life is what the grace allows, and not the config's token_ttl
}

// Harm tells of the key at a place among those of Before.
func (r *Report) Harm(i int, now time.Time) Harm {
	k, p := r.Before.Keys[i], r.Key.Policy
	if k.Status == keyset.Next {
		return Harm{None: true, Unsigned: true}
	}
	h := Harm{Life: p.TokenTTL, From: k.NotBefore}
	if h.Life == 0 {
		h.Life, h.Guessed = p.LongestToken(), true
	}
	if k.Adopted { // it signed before rotate knew it
		h.From = k.NotBefore.Add(-h.Life)
	}
	if from := now.Add(-h.Life); h.Life > 0 && from.After(h.From) {
		h.From = from
	}
	if k.Status != keyset.Previous {
		return h
	}
	// Whoever is above it among those that have signed took its place.
	after := r.Before.Keys[0]
	for _, above := range r.Before.Keys[:i] {
		if above.Status != keyset.Next {
			after = above
		}
	}
	last := r.Key.Outlook(r.Before).LastToken(after)
	if h.None = !h.From.Before(last); h.None || last.Before(now) {
		h.To = last
	}
	return h
}

// A LeftError names each place that may still hold what was revoked.
type LeftError struct {
	Key   string
	Kids  []string
	Left  []engine.Leftover
	Cause error // why the work was not finished, if a call failed
}

func (e *LeftError) Error() string {
	return say.LeftIn(e.Key, e.Kids, e.Left, e.Cause)
}

// Todo is the hint, for package say.
func (e *LeftError) Todo() string {
	return say.LeftHint
}

func (e *LeftError) Unwrap() error { return e.Cause }
