// Package notify tells people and programs what happens to keys: it turns what a
// daemon knows of its keys into events, and sends those to the receivers of the
// config.
//
// What is worth an event is decided by a watch, from one look to the next and
// without a clock of its own. A Notifier looks, and gives each receiver its events
// over a bounded queue, so no receiver delays a rotation or another receiver.
//
// Nothing here asks a store, and no event holds key material.
package notify

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/program"
)

// Settings are what a config asks for. They are not to be changed.
type Settings struct {
	Ahead     time.Duration // how long before it is due a rotation is told of; 0 for never
	Receivers []Receiver    // by name
	Heartbeat Heartbeat
}

// tell tells whether anybody is told of anything.
func (s Settings) tell() bool { return len(s.Receivers) > 0 || s.Heartbeat.Every > 0 }

// A Receiver is told of events, by one of an address and a program.
type Receiver struct {
	Name    string
	Only    []Kind // those that it is told of; all if empty
	Timeout time.Duration

	Address Address
	Format  Format
	Sign    Signing

	Exec []string // absolute path of a program, and its arguments
}

// wants tells whether the receiver is told of a kind.
func (r Receiver) wants(k Kind) bool { return len(r.Only) == 0 || slices.Contains(r.Only, k) }

// usable tells why the receiver could not be told now; nil if nothing is known against
// it. Nothing is called. A key that signs may not have been read yet.
func (r Receiver) usable() error {
	if len(r.Exec) > 0 {
		return program.Missing(r.Exec[0])
	}
	if _, err := r.Address.url(); err != nil || r.Sign.Key != "" {
		return err
	}
	_, err := r.Sign.secrets(nil)
	return err
}

// An Address is a URL, in the config or, if it is a secret, in a file. The file is
// read again for each call. The zero Address is none.
type Address struct{ URL, File string }

// Signing names where the secrets of Standard Webhooks are. The zero Signing signs
// nothing.
type Signing struct {
	File, Next string // of the secret, and of its successor, which signs as well; read again for each call
	Key        string // one of rotate's own keys, in place of files: each live secret of it signs
}

// A Heartbeat is a ping for as long as all is well. Every is 0 if there is none.
type Heartbeat struct {
	Address Address
	Every   time.Duration
}

// A Format is what is posted to an address.
type Format string

// The formats.
const (
	CloudEvents Format = "cloudevents" // CloudEvents 1.0 in structured mode
	Slack       Format = "slack"       // incoming webhooks of Slack, and of whoever takes the same
	Teams       Format = "teams"       // a card for a workflow of Microsoft Teams
)

// Formats lists every Format.
func Formats() []Format { return []Format{CloudEvents, Slack, Teams} }

// A Kind is what an event tells of its key.
type Kind string

// The kinds.
const (
	Transition Kind = "transition" // its keys changed
	Upcoming   Kind = "upcoming"   // a rotation is due within Settings.Ahead
	Halt       Kind = "halt"       // what is stored cannot be trusted: nothing is done until a person has looked
	Overdue    Kind = "overdue"    // a step could have been taken, and nobody took it
	Attention  Kind = "attention"  // something else needs a person
	Recovery   Kind = "recovery"   // nothing does any more
)

// Kinds lists every Kind.
func Kinds() []Kind { return []Kind{Transition, Upcoming, Halt, Overdue, Attention, Recovery} }
