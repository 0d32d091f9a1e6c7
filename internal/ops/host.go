// Package ops is what rotate does for whoever asks: options in, a typed outcome
// out. It has no writer, no terminal and no exit code; package say has the words
// for outcomes, and whoever calls decides where they go.
package ops

import (
	"log/slog"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A Host is what an operation takes from the process around it. It is safe for
// concurrent use if its functions are.
type Host struct {
	Now   func() time.Time
	Clock func() rotation.Clock
	NewID func() string // a random id, at least 128 bits
	Actor string        // who this is, in audit events and requests

	Trail *audit.File        // keeps each event, if it has a path
	Log   *slog.Logger       // has each event, too
	Event func(engine.Event) // is told each event; nil if nobody counts
	Lost  func(error)        // is told of each event that the trail does not have
}

// Look is an engine that only looks: it has nothing to tell.
func (h *Host) Look() *engine.Engine { return h.engine(nil) }

// Engine is an engine that changes keys, and has each event kept.
func (h *Host) Engine() *engine.Engine { return h.engine(h.record) }

func (h *Host) engine(audit func(engine.Event)) *engine.Engine {
	return &engine.Engine{Clock: h.Clock, NewID: h.NewID, Audit: audit, Actor: h.Actor}
}

// record keeps an event in the audit file, if the config names one. What cannot
// be kept is an alarm: nothing waits for it, and the log has the event.
func (h *Host) record(ev engine.Event) {
	ev = say.Event(ev)
	err := h.Trail.Write(ev)
	if h.Event != nil {
		h.Event(ev)
	}
	logEvent(h.Log, ev)
	if err != nil {
		h.Lost(err)
	}
}

// command records that a person or a job asked for something, before it is tried.
// The words are this program's own: arguments may be secrets.
func (h *Host) command(k *fleet.Key, words string) {
	h.record(engine.Event{
		Time: h.Now().UTC(), Key: k.Name, Store: k.StoreName, Secret: k.Secret,
		Action: "command", Reason: words, Actor: h.Actor,
	})
}
