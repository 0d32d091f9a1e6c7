package rotation

import (
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// An Action is what to do next.
type Action string

// The actions. All but Wait and Halt are writes of the document.
const (
	Create      Action = "create"  // make the keyset and its first key
	Publish     Action = "publish" // add next
	MarkReady   Action = "ready"   // note that next was seen everywhere
	Promote     Action = "promote" // next signs
	MarkSettled Action = "settled" // note that the promotion was seen everywhere
	Retire      Action = "retire"  // remove a previous key
	Revoke      Action = "revoke"  // remove compromised keys
	Rename      Action = "rename"  // give the keyset the key's new name
	Record      Action = "record"  // put a request on record, nothing else
	Pause       Action = "pause"   // put a pause on record; a person decides that
	Resume      Action = "resume"  // take it away; a person decides that
	Remove      Action = "remove"  // begin to remove the key: nothing signs; a person decides that
	Restore     Action = "restore" // take that back; a person decides that
	Bury        Action = "bury"    // the end of a removal: no key is left
	Accept      Action = "accept"  // go on from a restored document; a person decides that, never Plan
	Wait        Action = "wait"    // nothing until At
	Halt        Action = "halt"    // nothing until a person has looked
)

// A Step is what Plan decides.
type Step struct {
	Do     Action
	Kid    string    // the key it is about, where it is about one that exists
	At     time.Time // for marks, what to note; for transitions, the time to write; for Wait, when to look again, by the host's clock
	Why    Reason
	Alarms []Reason // what needs a person although work goes on: of the key, whatever the step is
	Future bool     // of a Forecast: Kid is made up, and no key of that name exists

	Places keyset.Places // for marks: the outputs as they were seen
}

// Facts are what was read since the last step. Nothing in them is remembered
// from before, save this process's own marks.
type Facts struct {
	Name    string      // that the key should have; "" if nobody says
	Set     *keyset.Set // nil if the store never had one
	Outputs []Output
	Request Request
	Clock   Clock
	Removed *keyset.Set // what was left of a key that was removed, if Set is nil for that reason
	Fresh   string      // what the config says of a key after one that was removed; see MayBegin
	Covered bool        // the store shows a copy of its newest document, put over an older one that was read for a while

	// The marks that this process made last; nil if it made none. They tell when
	// another one, with other outputs, has made its own in their place.
	Ready, Settled *keyset.Mark
}

// An Output is one place beside the store, as it was seen.
type Output struct {
	Name        string
	Revision    string
	CarriesNext bool   // its format has room for next
	Generation  uint64 // that it holds; 0 if that is not known
	Behind      Reason // why readers may not have the newest rendering; zero if they do, or will within the propagation
	ReadUnknown bool   // whether they were made to read it cannot be told here; no rule goes by it
}

// A Request is what someone wants beyond the schedule. The zero Request wants
// nothing.
type Request struct {
	Rotate *keyset.Request // rotate away from a key, once
	Revoke []string        // kids that are compromised
}
