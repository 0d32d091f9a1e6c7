// Package status says how a key is, from what its store holds: a report with a
// stable form. Its words are those of package say, which fills them in.
package status

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Schema names the form of a Report. Members may be added to it; a change of
// one that exists gets a new name.
const Schema = "rotate/status/v1"

// A Report is what `rotate status -o json` prints, and -o yaml with the same
// members in the same order. Times are RFC 3339 in UTC; an absent time has not
// come or does not apply. It never holds material.
type Report struct {
	Schema    string    `json:"schema"`    // rotate/status/v1
	At        time.Time `json:"at"`        // when the report was made: ages count from here
	Attention bool      `json:"attention"` // a key below needs a person; the exit code is 3
	Keys      []Key     `json:"keys"`      // those that need attention first, then by name, unless --sort wants another order

	Unnamed []Unnamed `json:"unnamed,omitempty"` // keysets of this environment that no key of the config has; only stores that ask no service are looked through
}

// An Unnamed is a keyset that no key of the config has. Nobody rotates it.
type Unnamed struct {
	Store   string `json:"store"`   // its name in the config
	Secret  string `json:"secret"`  // where the keyset stands in it
	Key     string `json:"key"`     // what it calls itself
	Lineage string `json:"lineage"` // of the keyset
}

// A State is one word for how a key is.
type State string

// The states, the worst first.
const (
	Halted      State = "halted"      // what is stored cannot be trusted: nothing is done until a person has looked
	Unreachable State = "unreachable" // the store could not be read
	Unclear     State = "unclear"     // the store shows less than is known of it, as it may for a while: nobody can tell yet
	Overdue     State = "overdue"     // work is due, and nobody has done it: no daemon runs, or it cannot write
	Missing     State = "missing"     // the store has no keyset of this name yet
	Rotating    State = "rotating"    // a next key stands, or a previous one still verifies
	Removing    State = "removing"    // nothing signs any more, and the key is erased at its time
	Removed     State = "removed"     // a person removed the key: nothing is left, and nothing begins
	Healthy     State = "healthy"     // one key, nothing to do
)

// States lists every State, the worst first.
func States() []State {
	return []State{Halted, Unreachable, Unclear, Overdue, Missing, Rotating, Removing, Removed, Healthy}
}

// A Key is one key of the config, as its store shows it.
type Key struct {
	Key         string   `json:"key"`                 // its name in the config
	Environment string   `json:"environment"`         // of the document; of the config where there is none
	State       State    `json:"state"`               // halted, unreachable, unclear, overdue, missing, rotating, removing, removed or healthy
	Attention   []string `json:"attention,omitempty"` // why a person should look
	Warnings    []string `json:"warnings,omitempty"`  // what is less than it should be

	AttentionCodes []rotation.Code   `json:"attention_codes,omitempty"` // one for each of attention
	WarningCodes   []rotation.Code   `json:"warning_codes,omitempty"`   // one for each of warnings
	Alarms         []rotation.Reason `json:"-"`                         // attention as data
	Notices        []rotation.Reason `json:"-"`                         // warnings as data
	Hidden         rotation.Hidden   `json:"-"`                         // of the notice HiddenKeys

	Store    string `json:"store"`              // name of the store that it lives in
	Secret   string `json:"secret"`             // its name there
	Location string `json:"location,omitempty"` // path or address of the secret, where the store can tell
	Revision string `json:"revision,omitempty"` // the store's id of what it holds now
	Clock    string `json:"clock,omitempty"`    // whose clock waits are counted by: store, or host where the store tells no time

	StoreNotes []string `json:"store_notes,omitempty"` // what this kind of store does otherwise than an ideal one

	Lineage    string `json:"lineage,omitempty"`    // the keyset's random id, made once
	Generation uint64 `json:"generation,omitempty"` // counts the changes of keys

	Next     *Live  `json:"next,omitempty"`     // published, does not sign yet
	Current  *Live  `json:"current,omitempty"`  // signs
	Previous []Live `json:"previous,omitempty"` // youngest first

	Due     *time.Time `json:"due,omitempty"`     // when the schedule wants the next promotion
	Pending *Request   `json:"pending,omitempty"` // a rotation that was asked for and has not happened
	Then    *Step      `json:"then,omitempty"`    // what comes next
	Paused  *Pause     `json:"paused,omitempty"`  // what keeps the key from being rotated
	Removal *Removal   `json:"removal,omitempty"` // the end of the key

	Outputs    []Output `json:"outputs,omitempty"`     // further places that get the key
	LeftBehind []string `json:"left_behind,omitempty"` // places that no output of the config is in any more, and that may still hold the key

	Erasure Erasure `json:"erasure"` // how gone what was removed is
}

// An Output is a further place that gets the key.
type Output struct {
	Output     string        `json:"output"`               // STORE SECRET, or the path of a file
	Format     string        `json:"format"`               // that it is written in
	Generation uint64        `json:"generation,omitempty"` // that it holds; absent if that is not known
	Behind     string        `json:"behind,omitempty"`     // why it is not up to date
	Code       rotation.Code `json:"code,omitempty"`       // of behind

	Reason      rotation.Reason `json:"-"`                     // behind as data
	Generations uint64          `json:"generations,omitempty"` // by how many it is behind, if that is known
	Since       *time.Time      `json:"since,omitempty"`       // it does not have what was changed then
}

// A Live is a key that signs or verifies.
type Live struct {
	Kid          string     `json:"kid"`                     // the key's id
	Algorithm    string     `json:"algorithm"`               // what it is for
	Adopted      bool       `json:"adopted,omitempty"`       // taken in from elsewhere
	Issued       time.Time  `json:"issued"`                  // made, or adopted
	AgeSeconds   int64      `json:"age_seconds"`             // since issued
	Seen         *time.Time `json:"seen,omitempty"`          // read back in the store and every output
	Signs        *time.Time `json:"signs,omitempty"`         // begins, or began, to sign
	Expires      *time.Time `json:"expires,omitempty"`       // stops verifying
	GraceSeconds *int64     `json:"grace_seconds,omitempty"` // of a previous key: what is left until then
	Removed      *time.Time `json:"removed,omitempty"`       // is removed: expires, and what clocks may differ by
}

// A Request is a rotation that someone asked for.
type Request struct {
	At time.Time `json:"at"`           // when it was asked for
	By string    `json:"by,omitempty"` // who asked
}

// A Pause keeps a key from being rotated until a time.
type Pause struct {
	Until  time.Time `json:"until"`            // when it ends by itself
	Since  time.Time `json:"since"`            // when it began
	By     string    `json:"by,omitempty"`     // who asked for it
	Reason string    `json:"reason,omitempty"` // why, in that person's words
}

// A Removal is the end of a key, to come or past.
type Removal struct {
	Since  *time.Time `json:"since,omitempty"`  // when nothing signed any more; absent once it is over
	Erased time.Time  `json:"erased"`           // when every key is, or was, erased; later while an output is behind
	By     string     `json:"by,omitempty"`     // who removed it
	Now    bool       `json:"now,omitempty"`    // that person waits for nobody
	Places []string   `json:"places,omitempty"` // where something is still to be erased: STORE SECRET or the path of a file
}

// A Step is what will be done, and when.
type Step struct {
	Do   string        `json:"do"`             // create, rename, publish, ready, promote, settled, retire, bury, wait or halt
	At   *time.Time    `json:"at,omitempty"`   // when; absent for at once
	Why  string        `json:"why"`            // for people
	Code rotation.Code `json:"code,omitempty"` // of why

	Reason rotation.Reason `json:"-"` // why as data
}
