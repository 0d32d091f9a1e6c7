package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Facts are what was read about one key.
type Facts struct {
	Now       time.Time
	Target    engine.Target
	Location  func() string    // path or address of the secret; nil or "" where the store cannot tell
	Late      time.Duration    // how long work may wait for the next pass of a daemon
	Warnings  []string         // from the config
	Algorithm keyset.Algorithm // that the config asks for; "" if it does not tell

	Twins  string        // which keys are live under another name, too
	Result engine.Result // of a Look
	Err    error         // of the same

	History    []providers.Revision
	HistoryErr error
	Readable   *int             // superseded revisions, where it is known without a History
	Traces     []rotation.Trace // how gone each removed key is; nil if the places were not looked at
}

// New puts keys together: those that need attention first, then by name.
func New(now time.Time, keys []Key) Report {
	r := Report{Schema: Schema, At: whole(now), Keys: slices.Clone(keys)}
	slices.SortStableFunc(r.Keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Key, b.Key))
	})
	r.Attention = slices.ContainsFunc(keys, func(k Key) bool { return len(k.Attention) > 0 })
	return r
}

func rank(k Key) int {
	if len(k.Attention) > 0 {
		return 0
	}
	return 1
}

// Of derives a key's report from what was read.
func Of(f Facts) Key {
	t, set := f.Target, f.Result.Set
	k := Key{
		Key: t.Name, Environment: t.Environment, State: Healthy, Warnings: slices.Clone(f.Warnings),
		Store: t.StoreName, Secret: t.Secret,
		Clock: clock(t.Store.Traits()), StoreNotes: t.Store.Traits().Notes,
		Erasure: erasure(f),
	}
	if f.Location != nil {
		k.Location = f.Location()
	}
	switch step := f.Result.Step; {
	case f.Err != nil:
		k.State = Unreachable
		k.attend(f.Err.Error())
	case step.Do == rotation.Halt:
		k.State = Halted
		k.attend(step.Why)
	case set == nil && step.Do == rotation.Create:
		k.State = Missing
		k.attend("there is no keyset yet\nhint: rotate now " + t.Name + ", or a running daemon, makes the first key")
	}
	if set != nil {
		k.fill(f, set)
	}
	return k
}

func (k *Key) attend(why string) { k.Attention = append(k.Attention, why) }

// fill adds what a document that can be trusted says.
func (k *Key) fill(f Facts, set *keyset.Set) {
	k.Environment, k.Lineage, k.Generation = set.Environment, set.Lineage, set.Generation
	if n := len(f.History); n > 0 {
		k.Revision = string(f.History[n-1].ID)
	}
	for _, key := range set.Keys {
		k.add(live(f, set, key))
	}
	k.outputs(f, set)
	if r, ok := set.Pending(); ok {
		k.Pending = &Request{At: r.At, By: r.By}
	}
	k.Due = some(f.Target.Policy.Due(set.Signing().NotBefore))
	step := f.Result.Step
	k.Then = &Step{Do: string(step.Do), At: some(step.At), Why: step.Why}
	if step.Alarm != "" && step.Do != rotation.Halt {
		k.attend(step.Alarm)
	}
	if f.Twins != "" {
		k.attend(f.Twins)
	}
	for _, why := range weak(f.Now, set) {
		k.attend(why)
	}
	for _, why := range []string{HiddenKeys(f.Now, f.Target.Policy, set), otherAlgorithm(set, f.Algorithm)} {
		if why != "" {
			k.Warnings = append(k.Warnings, why)
		}
	}
	k.checkErased(f, set)
	if f.Err != nil || step.Do == rotation.Halt {
		return
	}
	if len(set.Keys) > 1 || k.Pending != nil {
		k.State = Rotating
	}
	if f.HistoryErr != nil {
		k.Warnings = append(k.Warnings, "what is still readable of the past could not be listed: "+f.HistoryErr.Error())
	}
	k.checkLate(f, set)
}

func (k *Key) add(status keyset.Status, l Live) {
	switch status {
	case keyset.Next:
		k.Next = &l
	case keyset.Current:
		k.Current = &l
	case keyset.Previous:
		k.Previous = append(k.Previous, l)
	}
}

// checkLate finds work that nobody does. A daemon has it done the moment it is
// due, `run --once` at its next call; so it is late after Late, and a clock's
// difference.
func (k *Key) checkLate(f Facts, set *keyset.Set) {
	since := waiting(f.Target.Policy, set, f.Result.Step)
	late := f.Now.Sub(since)
	if since.IsZero() || late <= f.Late+f.Target.Policy.Skew() {
		return
	}
	k.State = Overdue
	k.attend(fmt.Sprintf("the step %q could have been taken since %s and was not: %s\nhint: is `rotate run` running, or a timer that calls `rotate run --once`? Its log says what keeps it",
		f.Result.Step.Do, ui.When(f.Now, since), f.Result.Step.Why))
}

// waiting is since when a step could have been taken; zero if it is no step.
func waiting(p rotation.Policy, set *keyset.Set, step rotation.Step) time.Time {
	wanted := p.Due(set.Signing().NotBefore)
	if r, ok := set.Pending(); ok {
		wanted = r.At
	}
	switch step.Do {
	case rotation.Publish:
		if _, asked := set.Pending(); !asked {
			return wanted.Add(-p.Lead())
		}
		return wanted
	case rotation.MarkReady:
		next, _ := set.Next()
		return next.Issued
	case rotation.Promote:
		if known := set.Ready.At.Add(p.Propagation + p.Skew()); known.After(wanted) {
			return known
		}
		return wanted
	case rotation.MarkSettled:
		return set.Signing().NotBefore
	case rotation.Retire:
		k, _ := set.Key(step.Kid)
		return k.Expires.Add(p.Skew())
	}
	return time.Time{}
}

func live(f Facts, set *keyset.Set, k keyset.Key) (keyset.Status, Live) {
	l := Live{
		Kid: k.Kid, Algorithm: string(k.Alg), Adopted: k.Adopted,
		Issued: k.Issued, AgeSeconds: int64(f.Now.Sub(k.Issued).Seconds()),
		Signs: some(k.NotBefore), Expires: some(k.Expires),
	}
	for _, mark := range []*keyset.Mark{set.Ready, set.Settled} {
		if mark != nil && mark.Kid == k.Kid {
			l.Seen = some(mark.At)
		}
	}
	if k.Status == keyset.Next {
		l.Signs = some(Begins(f.Target.Policy, set, k))
	}
	if l.Expires != nil {
		left := int64(max(0, l.Expires.Sub(f.Now)).Seconds())
		l.GraceSeconds = &left
		l.Removed = some(l.Expires.Add(f.Target.Policy.Skew()))
	}
	return k.Status, l
}

// Begins is when next will sign; zero while it was not seen in every place.
func Begins(p rotation.Policy, set *keyset.Set, next keyset.Key) time.Time {
	if set.Ready == nil || set.Ready.Kid != next.Kid {
		return time.Time{}
	}
	known := set.Ready.At.Add(p.Propagation + p.Skew())
	if _, asked := set.Pending(); asked {
		return known
	}
	if due := p.Due(set.Signing().NotBefore); due.After(known) {
		return due
	}
	return known
}

func clock(t providers.Traits) string {
	switch {
	case t.Erases == "":
		return "" // the store could not be opened: nothing is known of it
	case t.Clock:
		return "store"
	}
	return "host"
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = whole(t)
	return &t
}

func whole(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
