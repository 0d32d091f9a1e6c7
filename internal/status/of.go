package status

import (
	"errors"
	"slices"
	"time"

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
	Warnings  []string         // from the config, in words
	Algorithm keyset.Algorithm // that the config asks for; "" if it does not tell

	Twins  []rotation.Reason // which keys are live under another name, too
	Result engine.Result     // of a Look
	Err    error             // of the same

	History    []providers.Revision
	HistoryErr error
	Readable   *int             // superseded revisions, where it is known without a History
	Traces     []rotation.Trace // how gone each removed key is; nil if the places were not looked at
}

// New puts keys together: those that need attention first, then by name.
func New(now time.Time, keys []Key) Report {
	r := Report{Schema: Schema, At: whole(now), Keys: keys}.Sorted(ByAttention)
	r.Attention = slices.ContainsFunc(keys, Key.Alarmed)
	return r
}

// Alarmed tells whether a person should look at the key.
func (k Key) Alarmed() bool { return len(k.Alarms) > 0 }

// Of derives a key's report from what was read.
func Of(f Facts) Key {
	t, set := f.Target, f.Result.Set
	k := Key{
		Key: t.Name, Environment: t.Environment, State: Healthy,
		Store: t.StoreName, Secret: t.Secret,
		Clock: clock(t.Store.Traits()), StoreNotes: t.Store.Traits().Notes,
		Erasure: erasure(f),
	}
	if f.Location != nil {
		k.Location = f.Location()
	}
	for _, text := range f.Warnings {
		k.warn(rotation.Reason{Code: rotation.ConfigAdvice, Cause: text})
	}
	switch step := f.Result.Step; {
	case f.Err != nil:
		k.State = Unreachable
		k.attend(f.unreachable())
	case step.Do == rotation.Halt:
		k.State = Halted
		k.attend(step.Why)
	case set == nil && step.Why.Code == rotation.StaleRead:
		k.State = Unclear
		k.attend(step.Why)
	case set == nil && step.Do == rotation.Create:
		k.State = Missing
		k.attend(rotation.Reason{Code: rotation.NoKeyYet})
	}
	if m := f.Result.Removed; m != nil {
		k.removed(f, m)
	}
	if set != nil {
		k.fill(f, set)
	}
	return k
}

// PauseOf is a pause as a report has it; nil for none.
func PauseOf(p *keyset.Pause) *Pause {
	if p == nil {
		return nil
	}
	return &Pause{Until: p.Until, Since: p.At, By: p.By, Reason: p.Reason}
}

func (k *Key) attend(why ...rotation.Reason) { k.Alarms = append(k.Alarms, why...) }
func (k *Key) warn(why rotation.Reason)      { k.Notices = append(k.Notices, why) }

// ErrUnread is how a key of a daemon is before its first pass has ended.
var ErrUnread = errors.New("not looked at yet since the daemon began")

func (f Facts) unreachable() rotation.Reason {
	if errors.Is(f.Err, ErrUnread) {
		return rotation.Reason{Code: rotation.NotLookedAt}
	}
	return engine.StoreFailed(f.Err)
}

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
	if p := set.Paused; !p.Over(f.Now) {
		k.Paused = PauseOf(p)
		k.warn(rotation.Reason{Code: rotation.Paused, At: p.Until, Whose: p.By, Cause: p.Reason})
	}
	look := f.outlook()
	k.removing(look)
	k.Due = some(look.Due())
	step := f.Result.Step
	k.Then = &Step{Do: string(step.Do), At: some(step.At), Code: step.Why.Code, Reason: step.Why}
	for _, r := range step.Alarms {
		if !look.FirstWrite(r, f.Now, f.Late) {
			k.attend(r)
		}
	}
	k.attend(f.Twins...)
	k.attend(weak(set)...)
	if hidden := look.WorstHidden(f.Now, false); len(hidden.Keys) > 0 {
		k.Hidden = hidden
		k.warn(rotation.Reason{Code: rotation.HiddenKeys, At: hidden.From, Have: uint64(len(hidden.Keys))})
	}
	if r := otherAlgorithm(set, f.Algorithm); !r.IsZero() && set.Removing == nil {
		k.warn(r)
	}
	k.attend(f.NotGone()...)
	if f.Err != nil || step.Do == rotation.Halt {
		return
	}
	switch {
	case set.Removing != nil:
		k.State = Removing
	case len(set.Keys) > 1 || k.Pending != nil:
		k.State = Rotating
	}
	if f.HistoryErr != nil {
		k.warn(rotation.Reason{Code: rotation.NoHistory, Cause: f.HistoryErr.Error()})
	}
	k.checkLate(f)
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
func (k *Key) checkLate(f Facts) {
	step := f.Result.Step
	since := f.outlook().LateSince(step)
	if step.Do == rotation.Wait {
		since, step.Do = f.outlook().HeldSince(f.Now), rotation.Promote // a pause makes nothing less late
	}
	late := f.Now.Sub(since)
	if since.IsZero() || late <= f.Late+f.Target.Policy.Skew() {
		return
	}
	k.State = Overdue
	k.attend(rotation.Reason{Code: rotation.Overdue, Is: string(step.Do), At: since})
}

// outlook is the dates of what was read.
func (f Facts) outlook() rotation.Outlook {
	return rotation.Outlook{Policy: f.Target.Policy, Set: f.Result.Set}
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
		l.Signs = some(f.outlook().Signs(f.Now, false))
	}
	if l.Expires != nil {
		left := int64(max(0, l.Expires.Sub(f.Now)).Seconds())
		l.GraceSeconds = &left
		l.Removed = some(f.outlook().Removed(k))
	}
	return k.Status, l
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

// WeakAsker is on record as who wants a weak adopted key gone. Why it is weak
// would help a guesser as long as it is live, so that is told to the adopter
// alone.
const WeakAsker = "rotate adopt (a weak key)"

// weak is the adopted keys that are weak and still live, not in what way.
func weak(set *keyset.Set) (told []rotation.Reason) {
	for _, k := range set.Keys {
		if k.Adopted && (wantedGone(set, k.Kid) || short(k)) {
			told = append(told, rotation.Reason{Code: rotation.WeakKey, Kid: k.Kid, Is: string(k.Status), At: k.Expires})
		}
	}
	return told
}

// wantedGone tells whether adopt asked for a rotation away from a key.
func wantedGone(set *keyset.Set, kid string) bool {
	for _, r := range set.Requests {
		if r.From == kid && r.By == WeakAsker {
			return true
		}
	}
	return false
}

// short: adopt's request may be forgotten before the key is gone, its length is
// not.
func short(k keyset.Key) bool {
	material, symmetric := k.VerifyKey().([]byte)
	return symmetric && len(material) < k.Alg.MinBytes()
}

// otherAlgorithm says that the youngest key is not for the algorithm that the
// config asks for; zero if it is.
func otherAlgorithm(set *keyset.Set, asked keyset.Algorithm) rotation.Reason {
	youngest, ok := set.Next()
	if !ok {
		youngest = set.Signing()
	}
	if asked == "" || youngest.Alg == asked {
		return rotation.Reason{}
	}
	return rotation.Reason{Code: rotation.OtherAlgorithm, Kid: youngest.Kid, Is: string(youngest.Alg), Whose: string(asked)}
}
