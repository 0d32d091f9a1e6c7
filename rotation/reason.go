package rotation

import (
	"strings"
	"time"
)

// A Code names one cause of a step, a wait, an alarm, a halt or a refusal. Codes are stable: alert rules, audit
// lines and `rotate status -o json` carry them, and docs/status.md lists them. Package say turns them into words.
type Code string

// Why a step is taken.
const (
	NoKeyset     Code = "no_keyset"     // create: the store has nothing under this name
	Compromised  Code = "compromised"   // revoke: someone reported the key
	SeenNext     Code = "seen_next"     // ready: next was read back everywhere
	SeenCurrent  Code = "seen_current"  // settled: current was read back everywhere
	SeenEnd      Code = "seen_end"      // settled: that nothing signs was read back everywhere
	GraceOver    Code = "grace_over"    // retire: the grace ended at At
	AskedFor     Code = "asked_for"     // publish, promote: Whose asked
	ScheduleDue  Code = "due"           // publish, promote: the schedule wants it at At
	WasCalled    Code = "was_called"    // rename: the keyset still has the key's earlier name Is
	RequestNew   Code = "request_new"   // record: a request that is not on record yet
	OutputNew    Code = "output_new"    // record: an output that the document does not know yet
	AdoptedKey   Code = "adopted_key"   // create: applications use this key already
	AcceptedOver Code = "accepted_over" // accept: generation Have goes on, over generation Want that Whose remembers
	PausedBy     Code = "paused_by"     // pause: until At, by Whose, who says the reason Cause
	ResumedBy    Code = "resumed_by"    // resume: by Whose
	RemovedBy    Code = "removed_by"    // remove: by Whose; what was signed stays valid until At
	RestoredBy   Code = "restored_by"   // restore: by Whose
	RemovalOver  Code = "removal_over"  // bury: nothing verifies since At; Whose removed it
	FreshKey     Code = "fresh_key"     // create: the config wants a key after the one that was removed at At
	PlaceCleaned Code = "place_cleaned" // forget: Output was cleaned
	Superseded   Code = "superseded"    // erase: a revision in Output ("" is the store) is Is, a word of providers.How, until At
)

// What a key waits for.
const (
	NothingDue    Code = "nothing_due"
	InTheWay      Code = "in_the_way"     // something that an alarm tells; nobody knows until when
	OwnMarkThen   Code = "own_mark_then"  // this process makes its own mark at the time of the step
	RemovedThen   Code = "removed_then"   // Kid is removed
	PublishedThen Code = "published_then" // the next key is published
	PauseEnds     Code = "pause_ends"     // the key is paused until then
	EndsThen      Code = "ends_then"      // the key is being removed, and is erased then
	KeyRemoved    Code = "removed"        // for ever: Whose removed the key at At; Is is its lineage, Have how many ended here before
	SignsThen     Code = "signs_then"     // Kid begins to sign
	StaleRead     Code = "stale_read"     // the store shows less than Whose remembers, as it may for a while: nobody can tell yet
	WritersBusy   Code = "writers_busy"   // other writers were faster Have times in one pass; an alarm, too
	HeadMoved     Code = "head_moved"     // another writer has moved on while superseded revisions were erased
	AcceptedNow   Code = "accepted"       // a person's decision is carried out
	AdoptedNow    Code = "adopted"        // the same
)

// What needs a person, although work goes on. An output that is behind has one of its own codes.
const (
	ClocksApart   Code = "clocks_apart"   // the host's clock says At, For more than the store's
	ClockBehind   Code = "clock_behind"   // the document is of At, For later than the host's clock says
	ClockJumped   Code = "clock_jumped"   // the host's clock jumped For ago; it is trusted again at At
	OtherOutputs  Code = "other_outputs"  // another process has other outputs for this key; this one lacks Output
	NoRoom        Code = "no_room"        // a rotation is wanted, but Have keys are live, and no more can be
	NotErased     Code = "not_erased"     // superseded revisions in Output ("" is the store) could not be erased
	NotGone       Code = "not_gone"       // the removed Kid is only Is (see Trace.How) in Output, until At; Whose is "revoked" if it was compromised
	SharedKey     Code = "shared_key"     // Kid is live in another keyset, Of, too
	SharedKid     Code = "shared_kid"     // the kid of a key pair is that of another one in another keyset, Of, too
	Overdue       Code = "overdue"        // the step Is could have been taken since At, and nobody did
	WeakKey       Code = "weak_key"       // the adopted Kid is weak and live
	NoKeyYet      Code = "missing"        // there is no keyset yet
	UnnamedKeyset Code = "unnamed_keyset" // the key is new, and no key of the config has Have keysets in the same store, of which Of is the first
	NotLookedAt   Code = "not_looked_at"  // the daemon began a moment ago
)

// What is less than it should be.
const (
	HiddenKeys     Code = "hidden_keys"     // keys that verify are not among the three variables; see Hidden
	OtherAlgorithm Code = "other_algorithm" // the config asks for the algorithm Whose, Kid is for Is
	ConfigAdvice   Code = "config"          // the config's own warning, in its words
	LeftBehind     Code = "left_behind"     // Output is a place that no output of the config is in any more
	ReadersUnknown Code = "readers_unknown" // whether the readers of Output were made to read it is known only to the process that writes it
	Paused         Code = "paused"          // no key is published and none begins to sign until At; Whose set it, and says the reason Cause
	Removing       Code = "removing"        // nothing signs any more, and the key is erased at At; Whose removes it
	NoHistory      Code = "no_history"      // what is still readable of the past could not be listed
)

// Why a key halts: what is stored is not what may be gone on from. See Trust.
const (
	OtherName        Code = "other_name"        // it is the keyset of the key Is
	OtherEnvironment Code = "other_environment" // it is of the environment Is, not Whose
	NewerWriter      Code = "newer_writer"      // a newer rotate wrote it; this one only reads it
	OtherLineage     Code = "other_lineage"     // Whose remembers another keyset
	OlderDocument    Code = "older_document"    // Whose remembers generation Want, which Have does not follow
	OlderNote        Code = "older_note"        // the same at one generation: a later note of what was seen is lost, no key
	RemovedBack      Code = "removed_back"      // the key was removed, as Whose remembers, and a backup of it stands here
	KeyLost          Code = "key_lost"          // the store has nothing, and Whose remembers generation Want
	PlaceShared      Code = "place_shared"      // the store has nothing, and Output belongs to another key, Of
	Renamed          Code = "renamed"           // the store has nothing, and Output belongs to the key Of, which the config does not name
	Spoilt           Code = "spoilt"            // what rotate wrote was changed, or cut
	ForeignValue     Code = "foreign_value"     // the secret holds a value that rotate never wrote
	// … and StoreFailure("unreadable"), StoreFailure("unsafe")
)

// Why an output is behind, where rotate itself says so. Where its store failed, it is an OutputFailure.
const (
	OutputStranger   Code = "output_stranger"   // it holds a value that rotate did not write
	OutputForeign    Code = "output_foreign"    // it holds a value of another keyset
	OutputNewer      Code = "output_newer"      // it holds generation Have, the store Want
	OutputOld        Code = "output_old"        // it is at generation Have (0: no write is on record), the store at Want, and this process only looks
	OutputNotKept    Code = "output_not_kept"   // it does not hold what was written to it
	OutputUnrendered Code = "output_unrendered" // the keyset cannot be written in its format
	OutputSilent     Code = "output_no_answer"  // it did not answer in time
	OutputUnread     Code = "output_unread"     // it holds the newest keys, and its readers were not made to read them; without a Cause this process only looks
)

// StoreFailure is the code of a failed call of a key's own store, OutputFailure of an output's. kind is the word that
// providers.Kind has for the error.
func StoreFailure(kind string) Code  { return Code("store_" + kind) }
func OutputFailure(kind string) Code { return Code(ofOutputs + kind) }

// OfStore tells whether a code says that a call of the key's own store failed.
func (c Code) OfStore() bool { return strings.HasPrefix(string(c), string(StoreFailure(""))) }

// ofOutputs begins every code of an output that is behind.
const ofOutputs = "output_"

// Behind tells whether a code says why an output is behind.
func (c Code) Behind() bool { return c != OutputNew && strings.HasPrefix(string(c), ofOutputs) }

// Who remembers or says something, in Reason.Whose, if it is no person, process or command by its own name.
const (
	TheStore    = "store"   // the store's own record of what was written
	ThisProcess = "process" // what this process has read or written earlier
	AnOutput    = "output"  // the output Reason.Output
)

// A Reason is one cause, as data. Which fields count is said beside each Code; the others are zero. The zero Reason is
// none. It holds no key material.
type Reason struct {
	Code   Code
	Kid    string
	Output string // name of the output, as the config calls it
	Whose  string
	Is     string // what is there instead of what should be
	At     time.Time
	For    time.Duration
	Have   uint64
	Want   uint64
	Cause  string // another's text, such as a vendor's error: carried on, shown last, never looked into
	Hint   string // what the same says to do
	Of     *Ref
}

// A Ref names a key that is looked after under another name or elsewhere.
type Ref struct{ Key, Environment, Store, Secret, Kid string }

// IsZero tells whether there is no reason.
func (r Reason) IsZero() bool { return r.Code == "" }

// Unwritten tells whether an output is behind because nothing was ever written to it.
func (r Reason) Unwritten() bool { return r.Code == OutputOld && r.Have == 0 }

// Same tells whether two reasons say the same.
func (r Reason) Same(o Reason) bool {
	a, b := r, o
	a.Of, b.Of = nil, nil
	return a == b && (r.Of == nil) == (o.Of == nil) && (r.Of == nil || *r.Of == *o.Of)
}
