package form

import (
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// Changes is what now, revoke, adopt, accept, remove, forget, pause and resume print.
type Changes struct {
	Head
	DryRun bool     `json:"dry_run,omitempty"` // nothing was changed: --dry-run was given
	Keys   []Answer `json:"keys"`              // one for each key that was worked on, in the order of the config
}

// An Answer is what came of one key: a *Key, or a type with one in it.
type Answer interface{ Base() *Key }

// A Key is the part that all answers about one key share.
type Key struct {
	Name        string `json:"key"`         // its name in the config
	Environment string `json:"environment"` // of the config
	Store       string `json:"store"`       // name of the store that it lives in
	Secret      string `json:"secret"`      // its name there

	Message        string          `json:"message,omitempty"`         // what happened, for people
	Attention      string          `json:"attention,omitempty"`       // why a person should look, although it is done
	AttentionCodes []rotation.Code `json:"attention_codes,omitempty"` // the same, as in status; it may have fewer than attention tells of
	Error          *Error          `json:"error,omitempty"`           // why it failed

	Generation uint64        `json:"generation,omitempty"` // of the document as it is now
	Next       *status.Live  `json:"next,omitempty"`       // published, does not sign yet
	Current    *status.Live  `json:"current,omitempty"`    // signs
	Previous   []status.Live `json:"previous,omitempty"`   // verify only, the youngest first
	Due        *time.Time    `json:"due,omitempty"`        // when the schedule wants the next key to sign
}

// Base is the key itself.
func (k *Key) Base() *Key { return k }

// Rotated is what now says of a key.
type Rotated struct {
	Key
	// what came of the wish; absent if it failed. under_way: the next key is published and signs later;
	// served: this --request came before; no_room: on record, but too many keys are live
	Outcome string   `json:"outcome,omitempty" enum:"created,created_by_another,rotated,rotated_by_another,under_way,under_way_by_another,served,no_room,dry_run"`
	Away    string   `json:"away_from,omitempty"` // the kid that signed when the command began
	AskedBy string   `json:"asked_by,omitempty"`  // who is on record as having asked for this rotation
	Hidden  []string `json:"hidden,omitempty"`    // kids that verify, and that readers of three variables do not know
	Would   string   `json:"would,omitempty"`     // of a dry run: the first step that would be taken, as in plan
}

// Revoked is what revoke and now --compromised say of a key.
type Revoked struct {
	Key
	// what came of the report; absent if nothing is known. repeat: no kid was named, and it was taken for
	// a repeat of an earlier report
	Outcome string       `json:"outcome,omitempty" enum:"revoked,revoked_before,repeat,dry_run"`
	Kids    []RevokedKid `json:"kids"`             // the keys that are reported as compromised
	Since   *time.Time   `json:"since,omitempty"`  // when they were revoked
	Places  []Place      `json:"places,omitempty"` // how gone the reported keys are from each place
	Left    []Left       `json:"left,omitempty"`   // places that may still hold them: the exit code is 1 until there is none
}

// A RevokedKid is one key that leaked.
type RevokedKid struct {
	Kid    string     `json:"kid"`                                           // its kid
	Status string     `json:"status,omitempty" enum:"next,current,previous"` // what it was when the command began; absent if it was revoked before
	Users  string     `json:"users,omitempty"`                               // who is logged out, for people
	From   *time.Time `json:"from,omitempty"`                                // tokens that are lost were issued from then on
	To     *time.Time `json:"to,omitempty"`                                  // and until then; absent for now
}

// A Place is a store or an output that held a revoked key.
type Place struct {
	Output  string     `json:"output,omitempty"`  // absent for the key's own store
	Secret  string     `json:"secret"`            // its name there
	How     string     `json:"how"`               // as in erasure.gone of status
	Until   *time.Time `json:"until,omitempty"`   // when the service destroys what is only disabled
	Remains string     `json:"remains,omitempty"` // what is left after that, for an auditor
}

// A Left is a place that may still hold a revoked key.
type Left struct {
	Output string `json:"output,omitempty"` // absent for the key's own store
	Secret string `json:"secret"`           // its name there
	Why    string `json:"why"`              // why it is named, for people
}

// Adopted is what adopt says of a key.
type Adopted struct {
	Key
	Outcome  string   `json:"outcome,omitempty" enum:"adopted,adopted_before,dry_run"` // what came of it; absent if it failed
	Source   string   `json:"source,omitempty"`                                        // where it came from
	Weak     bool     `json:"weak,omitempty"`                                          // it can be guessed, or is too short: it is replaced as soon as possible
	Notes    []string `json:"notes,omitempty"`                                         // how the source was read
	Warnings []string `json:"warnings,omitempty"`                                      // what a person should do something about
	Members  []Member `json:"members,omitempty"`                                       // of a dry run: what the source has, by name; never a value
}

// A Member is a part of a source.
type Member struct {
	Name string `json:"name"` // as it follows # in --from
	Kind string `json:"kind"` // text, PEM, JWK, JWK Set, list, number, true or false, or null
}

// Accepted is what accept says of a key.
type Accepted struct {
	Key
	// what came of it; absent if it failed. nothing: no witness contradicts the document
	Outcome   string    `json:"outcome,omitempty" enum:"accepted,accepted_by_another,nothing,dry_run"`
	Accepts   uint64    `json:"accepts,omitempty"`   // the generation that the store held
	Witnesses []Witness `json:"witnesses,omitempty"` // who remembers something newer
	Fates     []Fate    `json:"fates,omitempty"`     // what becomes of each key of the document
	Lost      []string  `json:"lost,omitempty"`      // kids that an output still shows, and that are lost
	// no output shows what was revoked since: name it with --revoke, or say --none-revoked
	Unknown bool `json:"unknown,omitempty"`
}

// A Witness remembers a generation.
type Witness struct {
	Who        string `json:"who"`        // for people
	Generation uint64 `json:"generation"` // the one it remembers
}

// A Fate is what becomes of a key of a restored document.
type Fate struct {
	Kid    string `json:"kid"`                                 // its kid
	Status string `json:"status" enum:"next,current,previous"` // in the document
	Fate   string `json:"fate"`                                // for people
}

// Removed is what remove says of a key.
type Removed struct {
	Key
	// what came of it; absent if it failed. removing: nothing signs, and the rest is erased at its time;
	// nothing: there was no removal to take back
	Outcome string          `json:"outcome,omitempty" enum:"removing,removing_before,removed,removed_before,restored,nothing,dry_run"`
	Removal *status.Removal `json:"removal,omitempty"` // when, and by whom; absent where there is none any more
	Bare    []string        `json:"bare,omitempty"`    // outputs that go on to show a key, to readers that cannot tell that it is not to sign
}

// Forgotten is what forget says of a key.
type Forgotten struct {
	Key
	Outcome string `json:"outcome,omitempty" enum:"removed,dry_run"` // what came of it; absent if it failed
	Place   string `json:"place,omitempty"`                          // where it is removed from, as status shows it
}

// Held is what pause and resume say of a key.
type Held struct {
	Key
	// what came of it; absent if it failed. not_paused: there was no pause to end
	Outcome string        `json:"outcome,omitempty" enum:"paused,resumed,not_paused,dry_run"`
	Paused  *status.Pause `json:"paused,omitempty"` // the pause that is in force now; of a dry run, that would be
	Before  *status.Pause `json:"before,omitempty"` // the one that was in force when the command began
}

// Material is what get prints: this document has key material in it.
type Material struct {
	Head
	Name        string   `json:"key,omitempty"`                                          // its name in the config
	Environment string   `json:"environment,omitempty"`                                  // of the config
	Store       string   `json:"store,omitempty"`                                        // name of the store that it lives in
	Secret      string   `json:"secret,omitempty"`                                       // its name there
	Generation  uint64   `json:"generation,omitempty"`                                   // of the document
	Format      string   `json:"format,omitempty" enum:"value,env,list,jwks,pem,keyset"` // that of --format
	Value       string   `json:"value,omitempty"`                                        // the text that --format prints: key material, but for jwks and pem
	Current     string   `json:"current,omitempty"`                                      // kid of the key that signs
	Next        string   `json:"next,omitempty"`                                         // kid of the key that signs next
	Previous    []string `json:"previous,omitempty"`                                     // kids of those that verify only, the youngest first
	Hidden      []string `json:"hidden,omitempty"`                                       // of env: kids that verify, and that it has no variable for
}
