package notify

import (
	"slices"
	"strconv"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const (
	// patience is how long something needs a person before that is told, and how
	// long nothing does before the key is called well: a store that fails once is
	// no news. What halts a key, or is overdue already, is told at once.
	patience = 5 * time.Minute

	// recent is how old a change may be that a watch tells of which has just begun:
	// what a daemon that was killed did not get out, its next start repeats, under
	// the same id.
	recent = time.Hour
)

// A watch knows what was told of one key. Its zero value knows nothing.
type watch struct {
	looked   time.Time   // the last look; zero before the first
	pass     time.Time   // when the pass ended whose result it saw
	set      *keyset.Set // as it was seen last
	due      time.Time   // of the rotation that was told to come
	troubles map[trouble]*standing
	began    time.Time // of what was told, when the first began; zero while nothing is open
}

// A trouble is what needs a person. Its causes and figures may change while it
// stays the same.
type trouble struct {
	code   rotation.Code
	output string
}

// standing is for how long a trouble has been there.
type standing struct {
	since, last time.Time
	told        bool
}

// look is what happened since the look before, at a time.
func (w *watch) look(now time.Time, k *live.Key, ahead time.Duration) []Event {
	switch {
	case k.Ended.IsZero():
		return nil // nobody has read the key yet
	case k.Ended.Equal(w.pass) && len(w.troubles) == 0 && now.Sub(w.looked) < patience:
		return nil // without a pass only dates can have come; of 10,000 idle keys that saves nine looks in ten
	}
	s := sight{now: now, set: k.Set, key: k.Status(), due: k.Due()}
	events := w.changed(s)
	events = append(events, w.upcoming(s, ahead)...)
	events = append(events, w.needs(s)...)
	w.looked, w.pass = now, k.Ended
	return events
}

// guarded is look, of which a bug costs this key's news and no other's.
func (w *watch) guarded(now time.Time, k *live.Key, ahead time.Duration) (events []Event, err error) {
	defer bug.Catch(&err)
	return w.look(now, k, ahead), nil
}

// well tells whether nothing that was told still needs a person.
func (w *watch) well() bool { return w.began.IsZero() }

// changed tells of a later document.
func (w *watch) changed(s sight) []Event {
	was := w.set
	if s.set == nil && was != nil && s.key.State == status.Removed {
		w.set = nil
		return []Event{s.event(Transition, say.Ended(s.key), s.key.Lineage)}
	}
	if s.set == nil || was != nil && was.Lineage == s.set.Lineage && was.Generation >= s.set.Generation {
		return nil
	}
	w.set = s.set
	var changes []status.Change
	switch {
	case was != nil && was.Lineage == s.set.Lineage:
		changes = status.Changes(was, s.set)
	case s.now.Sub(rotation.Outlook{Set: s.set}.Changed()) > recent:
		return nil
	case s.set.Generation == 1:
		changes = status.Changes(nil, s.set)
	}
	e := s.event(Transition, say.Changed(s.key, changes))
	e.Data.Changes = changes
	return []Event{e}
}

// upcoming tells of a due date, once it is near.
func (w *watch) upcoming(s sight, ahead time.Duration) []Event {
	left := s.due.Sub(s.now)
	if ahead == 0 || s.due.IsZero() || left <= 0 || left > ahead || w.due.Equal(s.due) {
		return nil
	}
	w.due = s.due
	if w.looked.IsZero() && ahead-left > recent {
		return nil // an earlier process told of it
	}
	return []Event{s.event(Upcoming, say.Upcoming(s.key, s.now), strconv.FormatInt(s.due.Unix(), 10))}
}

// needs tells what needs a person since a while, or no more.
func (w *watch) needs(s sight) []Event {
	fresh := map[Kind][]rotation.Reason{}
	for _, r := range s.key.Alarms {
		t := w.standing(trouble{r.Code, r.Output}, s.now)
		kind := kindOf(s.key, r)
		if t.told || kind == Attention && s.now.Sub(t.since) < patience {
			continue
		}
		t.told = true
		fresh[kind] = append(fresh[kind], r)
	}
	var events []Event
	for _, kind := range []Kind{Halt, Overdue, Attention} {
		if len(fresh[kind]) > 0 {
			events = append(events, w.trouble(s, kind, fresh[kind]))
		}
	}
	return append(events, w.recovered(s)...)
}

// standing notes that a trouble is there.
func (w *watch) standing(t trouble, now time.Time) *standing {
	if w.troubles == nil {
		w.troubles = map[trouble]*standing{}
	}
	if w.troubles[t] == nil {
		w.troubles[t] = &standing{since: now}
	}
	w.troubles[t].last = now
	return w.troubles[t]
}

func kindOf(k status.Key, r rotation.Reason) Kind {
	switch {
	case k.State == status.Halted:
		return Halt
	case r.Code == rotation.Overdue:
		return Overdue
	}
	return Attention
}

// trouble is the event of some that are told together.
func (w *watch) trouble(s sight, kind Kind, reasons []rotation.Reason) Event {
	began := s.now
	var which []string
	for _, r := range reasons {
		since := w.troubles[trouble{r.Code, r.Output}].since
		if r.Code == rotation.Overdue {
			since = r.At // by the document: every replica has the same
		}
		if since.Before(began) {
			began = since
		}
		which = append(which, string(r.Code), r.Output)
	}
	if w.began.IsZero() {
		w.began = began
	}
	s.key.Alarms = reasons
	e := s.event(kind, say.Trouble(s.key), append(which, step(began))...)
	for _, r := range reasons {
		if !slices.Contains(e.Data.Codes, r.Code) {
			e.Data.Codes = append(e.Data.Codes, r.Code)
		}
	}
	return e
}

// recovered forgets troubles that stay away, and tells when the last of them is
// gone.
func (w *watch) recovered(s sight) []Event {
	for t, is := range w.troubles {
		if s.now.Sub(is.last) >= patience {
			delete(w.troubles, t)
		}
	}
	began := w.began
	if len(w.troubles) > 0 || began.IsZero() {
		return nil
	}
	w.began = time.Time{}
	return []Event{s.event(Recovery, say.Recovered(s.key, s.now.Sub(began)), step(began))}
}

// step is a time for an id. Replicas notice the same a few seconds apart, and a
// trouble that comes again was away for patience and told after patience: so one
// trouble has one step, but at its edge, and two have two.
func step(t time.Time) string { return strconv.FormatInt(t.Truncate(patience).Unix(), 10) }

// sight is a key at one look.
type sight struct {
	now time.Time
	set *keyset.Set // the last one that could be trusted; nil if none was seen
	key status.Key
	due time.Time
}

// event tells something of the key, in words.
func (s sight) event(kind Kind, text string, also ...string) Event {
	k := s.key
	d := Data{
		Schema: Schema, Key: k.Key, Environment: k.Environment, Store: k.Store, Secret: k.Secret, State: k.State, Text: text,
		Due: k.Due,
	}
	whose := k.Environment + "/" + k.Key // until a keyset was seen
	if s.set != nil {
		whose, d.Lineage, d.Generation, d.Current = s.set.Lineage, s.set.Lineage, s.set.Generation, s.set.Signing().Kid
		if next, ok := s.set.Next(); ok {
			d.Next = next.Kid
		}
		for _, p := range s.set.Previous() {
			d.Previous = append(d.Previous, p.Kid)
		}
	}
	return Event{ID: id(kind, whose, d.Generation, also...), Kind: kind, At: s.now, Data: d}
}
