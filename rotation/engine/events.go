package engine

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Refuse is the action of an Event that tells that a key has halted.
const Refuse = "refuse"

// An Event is one thing that changed, or was refused: an audit record. It never
// holds material.
type Event struct {
	Time       time.Time     `json:"time"`
	Key        string        `json:"key"`
	Store      string        `json:"store"`
	Secret     string        `json:"secret"`
	Action     string        `json:"action"` // a rotation.Action, "erase" or "refuse"
	Kid        string        `json:"kid,omitempty"`
	From       keyset.Status `json:"from,omitempty"` // "" where it did not exist
	To         keyset.Status `json:"to,omitempty"`   // "" where it is gone
	Generation uint64        `json:"generation,omitempty"`
	Revision   string        `json:"revision,omitempty"`
	Code       rotation.Code `json:"code,omitempty"`   // of Why; lines that older versions wrote have none
	Reason     string        `json:"reason,omitempty"` // Why in words, by package say
	Actor      string        `json:"actor,omitempty"`

	// Of an erasure: the keys that the revision held, how strongly it was erased
	// (a word of providers.How), and when the service destroys what it only
	// disabled. Lines of the first version lack all three.
	Kids  []string   `json:"kids,omitempty"`
	How   string     `json:"how,omitempty"`
	Until *time.Time `json:"until,omitempty"`

	Why rotation.Reason `json:"-"`
}

const eraseAction = "erase"

// A teller tells what one pass changes, or refuses to.
type teller struct {
	e   *Engine
	t   Target
	did []Event
}

// events is what a write of a step changes: one event for each key whose status
// it changes, or one for a mark or a request.
func (w *teller) events(old, now *keyset.Set, step rotation.Step) []Event {
	var events []Event
	add := func(kid string, from, to keyset.Status) {
		events = append(events, w.event(Event{
			Action: string(step.Do), Kid: kid, From: from, To: to, Generation: now.Generation, Why: step.Why,
		}))
	}
	was := map[string]keyset.Status{}
	if old != nil {
		for _, k := range old.Keys {
			was[k.Kid] = k.Status
		}
	}
	for _, k := range now.Keys {
		if was[k.Kid] != k.Status {
			add(k.Kid, was[k.Kid], k.Status)
		}
		delete(was, k.Kid)
	}
	for kid, status := range was {
		add(kid, status, "")
	}
	if len(events) == 0 {
		add(step.Kid, "", "")
	}
	return events
}

// event fills in what all events share.
func (w *teller) event(ev Event) Event {
	ev.Time = w.e.Clock().Wall.UTC()
	ev.Code = ev.Why.Code
	ev.Key, ev.Store, ev.Secret, ev.Actor = w.t.Name, w.t.StoreName, w.t.Secret, w.e.Actor
	return ev
}

// tell reports events, once it is certain that they happened.
func (w *teller) tell(events []Event) {
	w.did = append(w.did, events...)
	if w.e.Audit != nil {
		for _, ev := range events {
			w.e.Audit(ev)
		}
	}
}

// tellOf reports an event about another secret than the key's own.
func (w *teller) tellOf(ev Event) {
	secret := ev.Secret
	ev = w.event(ev)
	ev.Secret = secret
	w.tell([]Event{ev})
}

// refuse reports a refusal, once for as long as it stays the same.
func (w *teller) refuse(why rotation.Reason) {
	repeated := false
	w.e.remember(w.t.place(), func(m *memory) {
		repeated = m.refusal.Same(why)
		m.refusal = why
	})
	if !repeated && w.e.Audit != nil {
		w.e.Audit(w.event(Event{Action: Refuse, Why: why}))
	}
}
