package rotation

import (
	"errors"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Witness is what someone remembers of a key's newest document. An output is only ever written from a document that
// was read in the store, so its note is a witness, too.
type Witness struct {
	Whose   string // TheStore, ThisProcess or AnOutput
	Output  string // its name, for AnOutput
	Lineage string // "" for a witness of nothing
	keyset.Past
	Of *Ref // the key that this output belongs to, if that is another one, or has another secret; nil if nobody can tell

	// Unnamed tells that Of is of this environment, and that no key of the config has it.
	Unnamed bool

	Removed bool // it is what a key has left that was removed
}

// reason is a Reason that tells of the witness.
func (w Witness) reason(c Code) Reason {
	return Reason{Code: c, Whose: w.Whose, Output: w.Output, Want: w.Generation, Of: w.Of}
}

// Contradicts tells whether a document cannot have followed the one that the witness remembers.
func (w Witness) Contradicts(set *keyset.Set) bool {
	return w.Lineage != "" && !set.Ended(w.Lineage, w.Generation) && (w.Lineage != set.Lineage ||
		// guard 6: an older truth is noticed
		!set.Follows(w.Past))
}

// A Trust is whose keyset is expected in a store. It is promise 6: what it refuses stops the key, and nothing is
// overwritten.
type Trust struct {
	Name, Environment string
	Was               []string // earlier names of the key
	Restoring         bool     // a person goes on from an old document: its age is no reason to stop
}

// Document says why this key may not go on from a well-formed document; zero if it may.
func (t Trust) Document(set *keyset.Set, witnesses ...Witness) Reason {
	switch {
	// guard 6: the name is checked
	case set.Name != t.Name && !slices.Contains(t.Was, set.Name):
		return Reason{Code: OtherName, Is: set.Name}
	// guard 6: the environment is checked
	case set.Environment != t.Environment:
		return Reason{Code: OtherEnvironment, Is: set.Environment, Whose: t.Environment}
	// guard 6: a newer rotate's document is only read
	case set.Writable() != nil:
		return Reason{Code: NewerWriter, Cause: set.Writable().Error()}
	}
	var first Reason
	for _, w := range witnesses {
		switch r := t.witnessed(set, w); {
		case r.Code == RemovedBack: // what more one witness knows
			return r
		case first.IsZero():
			first = r
		}
	}
	return first
}

// witnessed compares a document with one witness. At the same generation the keys are the same, so only a note of what
// was seen is lost, unless two processes made that generation independently.
func (t Trust) witnessed(set *keyset.Set, w Witness) (r Reason) {
	switch {
	case !w.Contradicts(set):
		return Reason{}
	// guard 6: the lineage is checked
	case w.Lineage != set.Lineage:
		r = w.reason(OtherLineage)
	case t.Restoring:
		return Reason{}
	// guard 6: a backup of a removed key is told
	case w.Removed && set.Removed == nil:
		r = w.reason(RemovedBack)
	case w.Generation == set.Generation:
		r = w.reason(OlderNote)
	default:
		r = w.reason(OlderDocument)
	}
	r.Have = set.Generation
	return r
}

// Nothing says why an empty store may not be believed; zero if it may. What an output remembers is not always this key:
// another config may write to the same place, and a note names a lineage, not a key.
func (t Trust) Nothing(w Witness) Reason {
	switch {
	case w.Lineage == "":
		return Reason{}
	// guard 6: a key that was renamed is told from one that is new
	case w.Unnamed:
		r := w.reason(Renamed)
		r.Is = w.Lineage
		return r
	case w.Of != nil:
		r := w.reason(PlaceShared)
		r.Is = w.Lineage
		return r
	}
	r := w.reason(KeyLost)
	r.Is = w.Lineage
	return r
}

// Unparsed says what is stored instead of a keyset: one that was spoilt, if a witness remembers a keyset or the text
// still looks like one, or else a value that rotate never wrote.
func (t Trust) Unparsed(err error, witnesses ...Witness) Reason {
	spoilt := Reason{Code: Spoilt, Cause: err.Error()}
	if errors.Is(err, keyset.ErrDigest) { // whatever else is wrong follows from the edit
		spoilt.Cause = keyset.ErrDigest.Error()
	}
	for _, w := range witnesses {
		if w.Lineage != "" {
			return spoilt
		}
	}
	if errors.Is(err, keyset.ErrMalformed) || errors.Is(err, keyset.ErrSchema) || errors.Is(err, keyset.ErrUTF8) {
		return Reason{Code: ForeignValue, Cause: err.Error()}
	}
	return spoilt
}

// StaleUntil is until when a document that a witness contradicts may be just a stale read; zero if it may not. seen is
// when the witness was heard, bound how old a read may be. A clock that was set back does not make it longer.
func StaleUntil(now, seen time.Time, bound time.Duration) (until time.Time) {
	if seen.IsZero() {
		return until
	}
	until = seen.Add(bound)
	if left := until.Sub(now); left <= 0 || left > bound {
		return time.Time{}
	}
	return until
}

// MayReplace says why what an output holds must not be written over; zero if it may. note is what lies beside it;
// adopted tells that a value without a note is the current key.
func MayReplace(set *keyset.Set, note Witness, adopted bool) Reason {
	switch {
	case note.Lineage == "" && adopted:
		return Reason{}
	// guard 6: a stranger's value is not overwritten
	case note.Lineage == "":
		return Reason{Code: OutputStranger}
	case note.Lineage != set.Lineage:
		return Reason{Code: OutputForeign}
	// guard 6: a lower generation is not written over a higher
	case note.Generation > set.Generation:
		return Reason{Code: OutputNewer, Have: note.Generation, Want: set.Generation}
	}
	return Reason{}
}
