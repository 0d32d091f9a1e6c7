// Package providers is the contract between rotate and the places that keep
// its documents: secret managers and plain files.
//
// # Terms
//
// A name is a secret's name in its backend. A revision is one stored value of
// a name; its id is opaque, and never stands for two different values. The
// head is the revision that is the name's truth. A revision is superseded once
// the head has moved past it.
//
// # What a Store promises
//
//   - Write is a compare-and-swap on the head. Of any number of concurrent
//     writers with the same base, in any number of processes, at most one
//     succeeds; the others get ErrConflict and have changed nothing that a
//     reader of the head can see.
//   - When Write returns nil the value is durable and is, or was, the head.
//     When it returns ErrUnclear the value may or may not be, or may still
//     become, the head: the caller reads before it does anything else.
//     Every other error means that the head was not moved by this call.
//   - Read returns the head as of some moment not longer than Traits.Stale
//     before the call.
//   - Erase never touches the head or anything newer.
//   - A cancelled context ends a call soon, with an error that matches
//     context.Cause: ErrUnavailable if it surely did nothing, ErrUnclear if it
//     was cancelled inside a write.
//   - No error, and nothing printed, ever holds a value.
//
// Stores never repeat a write by themselves: only the caller knows, after a
// read, whether a repeat is right.
//
// A Store need not check its arguments: the caller puts Checked in front of it,
// which goes by Traits.
package providers

import (
	"context"
	"time"
)

// RevisionID is a backend's own name for one stored value. "" stands for
// "nothing stored yet".
type RevisionID string

// A Note names the document inside a value: which line of documents it belongs
// to and how far along that line it is. A Store keeps the note beside the value
// as well as the backend can, so that an older truth shows without being
// parsed. The zero Note says nothing.
type Note struct {
	Lineage    string
	Generation uint64
	Digest     string
}

// Newest is what a witness that has n remembers once next is written: next,
// unless next says nothing or is older in the same lineage. Only Write changes
// the lineage of a witness, and only its caller knows why.
func (n Note) Newest(next Note) Note {
	if next == (Note{}) || next.Lineage == n.Lineage && next.Generation < n.Generation {
		return n
	}
	return next
}

// A Revision is one stored value of a name.
type Revision struct {
	ID    RevisionID
	Value Secret // empty in History
	Note  Note   // as given to Write; zero where the backend keeps none

	// Witness is the newest note that the store keeps for this name apart from the
	// value. A document behind its witness was restored from a backup, or is a
	// fork. Zero where there is none.
	Witness Note

	// Copy names the value that applications read, if that is a copy of this
	// revision. The store put the copy over something older that they had read for
	// a while. "" if they read the revision itself.
	Copy string

	// Erases is how strongly Erase works on this name, if settings in the backend
	// make that weaker than Traits.Erases. "" if they do not, or if the store
	// would need one more call to tell. Read and History set it on the head.
	Erases How

	// Weaker is set by History on the head: what was erased less strongly than
	// Traits.Erases, for as long as the backend can give it back.
	Weaker []Erased

	// WasRead tells that ReadNoter.NoteRead was called for this revision. Read sets
	// it; false where the store is no ReadNoter.
	WasRead bool

	Created time.Time // when the backend says it was made; zero if it does not
	Service time.Time // the service's clock when it answered; zero where it has none
}

// A Store keeps named secrets, each a line of revisions of which one is the
// head. Implementations are safe for concurrent use.
type Store interface {
	// Traits tells how this store departs from the contract, as data. It makes
	// no call.
	Traits() Traits

	// Read returns the head. ErrNotFound means that nothing was ever stored under
	// the name. A head that was deleted, disabled, destroyed, torn or lost is
	// ErrUnreadable: there was a truth, so nobody may make one up.
	Read(ctx context.Context, name string) (Revision, error)

	// Write makes v the head if after is the head now, and returns the new
	// revision. after == "" asks that nothing was ever stored. v is never empty
	// (Checked refuses that as ErrUnsafe: in many places it cannot be told from a
	// loss). See the package comment for what each error says about the head.
	Write(ctx context.Context, name string, v Secret, after RevisionID, n Note) (Revision, error)

	// History lists what can still be read, oldest first, the head last, without
	// values. For a name that was never stored it is empty. What was erased is not
	// listed again, however weak the erasure. The head's Weaker lists what is less
	// gone than the store's kind promises, so that every process knows it and not
	// only the one that erased.
	History(ctx context.Context, name string) ([]Revision, error)

	// Erase makes one superseded revision unreadable, as strongly as the
	// backend can. head is the head that the caller saw: if it has moved on,
	// or if id is the head or newer, nothing is done and the error is
	// ErrConflict. Erasing what is already gone succeeds. The Erasure is what was
	// achieved, which may be less than Traits.Erases and is never more.
	Erase(ctx context.Context, name string, id, head RevisionID) (Erasure, error)
}

// How tells how strongly a store makes a revision unreadable.
type How string

// From the strongest to the weakest. Traits.Remains says what each one leaves
// behind.
const (
	Destroyed  How = "destroyed"  // the service has removed the data for good
	Unlinked   How = "unlinked"   // the file is gone; media, snapshots and backups are not reached
	Replaced   How = "replaced"   // overwritten in place; the service's own backups are not reached
	Disabled   How = "disabled"   // unreadable, but an administrator can enable it again
	Unlabelled How = "unlabelled" // still readable by its id until the service removes it
)

// An Erasure is what Erase achieved.
type Erasure struct {
	How   How
	Until time.Time // when a Disabled revision will be destroyed; zero if never or not known
}

// An Erased is a revision that was erased.
type Erased struct {
	ID   RevisionID
	Note Note // zero where the backend keeps none
	Erasure
}

// Traits are a store's departures from an ideal one, as data: the engine and
// the test suite act on them, and `rotate status` shows them.
type Traits struct {
	Type     string        // the config's `type:`
	MaxValue int           // largest value in bytes; see Checked
	Stale    time.Duration // how old a Read may be
	Erases   How           // the strongest that Erase does here; Revision.Erases may be weaker for one name
	Remains  string        // what is left after Erase, one sentence for an auditor
	OneValue bool          // a write replaces its predecessor: History has at most the head
	Clock    bool          // Revision.Service is set
	Witness  bool          // Revision.Witness is kept
	Lists    bool          // List asks no service, so a pass and `rotate status` may ask it each time

	// TakesName tells whether the store takes a name, and NameRule tells people
	// which names it takes. No such name leads out of the place that the store
	// keeps. See Checked.
	TakesName func(name string) bool
	NameRule  string

	// WritesAMinute is a tenth of the service's quota, in calls of Write and Erase
	// for all keys of the store; 0 if it has no quota. Each process keeps to it in
	// every minute, and spreads the calls, except for the few that one key needs.
	WritesAMinute int

	Notes []string // any other departure, each with its reason
}
