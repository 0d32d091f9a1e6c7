package rotation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// Promise 4 in one place: what a revision holds, what becomes of it, and how
// gone a removed key is. Nothing here reads a place; see engine.Past.

// A Content is what the values of a place are made of.
type Content string

// The contents.
const (
	Documents  Content = "documents"  // whole documents and nothing else: the key's own secret
	Renderings Content = "renderings" // what an output shows of a document
	OneKey     Content = "one key"    // a rendering that is the key that signed, and nothing else
)

// A Revision is one value of a place, as a listing shows it without the value.
type Revision struct {
	Lineage    string
	Generation uint64    // of the document that it is or was rendered from; 0 if the listing does not tell
	Holds      string    // in a place of OneKey, the KidNote of its key; "" if the listing does not tell
	Replaced   time.Time // when the one after it was made
}

// KidNote names one key in the note of a revision that holds no other. It has
// a fixed length, as some backends leave little room, and kids may be long.
func KidNote(kid string) string {
	sum := sha256.Sum256([]byte(kid))
	return "kid:" + hex.EncodeToString(sum[:16])
}

// A Fate is what becomes of a superseded revision.
type Fate string

// The fates.
const (
	Foreign Fate = "foreign" // not of this keyset, so rotate leaves it alone
	Stays   Fate = "stays"   // it holds one key, and that key still verifies
	MayGo   Fate = "may go"  // nothing in it must be gone; it goes once nobody can be on the way to it
	MustGo  Fate = "must go" // it holds what must be gone, or is from before a removal
)

// FateOf tells what becomes of a superseded revision of a place, and from when
// on it may be erased: the zero time is at once. Readers may be on their way to
// a superseded revision for one propagation.
func FateOf(p Policy, s *keyset.Set, c Content, r Revision) (f Fate, from time.Time) {
	switch {
	case c != Documents && r.Lineage != s.Lineage:
		return Foreign, time.Time{}
	case c == OneKey:
		f = fateOfOne(s, r)
	case r.Generation < s.Dropped:
		f = MustGo
	default:
		f = MayGo
	}
	if f == MayGo {
		from = r.Replaced.Add(p.Propagation)
	}
	return f, from
}

// fateOfOne: readers of a bare value find the previous key where the backend
// shows the value before, so that one is kept while its key verifies. Of a key
// pair such a value has the private half, which the document has dropped: it must
// go (promise 9).
func fateOfOne(s *keyset.Set, r Revision) Fate {
	for _, k := range s.Keys {
		switch {
		case r.Holds != KidNote(k.Kid):
		case !k.Private():
			return MustGo
		// guard 3: a value is kept while its key verifies
		case k.Status == keyset.Previous:
			return Stays
		default:
			return MayGo
		}
	}
	// guard 4: a value goes once its key is gone
	return MustGo
}

// Held names the kids that a revision held, of those that the document knows,
// live or removed. The first version of rotate did not record since when a key
// was there; such a key counts as there from the beginning.
func Held(s *keyset.Set, c Content, r Revision) (kids []string) {
	if c != Documents && r.Lineage != s.Lineage || c != OneKey && r.Generation == 0 {
		return nil
	}
	add := func(kid string, made, removed uint64) {
		// guard 4: a kid is named only for what held it
		if r.mayHold(c, kid, made, removed) && !slices.Contains(kids, kid) {
			kids = append(kids, kid)
		}
	}
	for _, k := range s.Keys {
		add(k.Kid, k.Made, 0)
	}
	for _, g := range s.Gone {
		add(g.Kid, g.Made, removed(s, g))
	}
	return kids
}

// mayHold tells whether a revision holds a key that the generations from made
// to before removed had; removed is 0 for one that lives. A revision of an
// unknown generation may hold anything.
func (r Revision) mayHold(c Content, kid string, made, removed uint64) bool {
	if c == OneKey {
		return r.Holds == KidNote(kid)
	}
	return r.Generation == 0 || made <= r.Generation && (removed == 0 || r.Generation < removed)
}

// removed is the generation that first lacked a removed key. If that is not on
// record, it is the generation of the last removal, which was not earlier.
func removed(s *keyset.Set, g keyset.Gone) uint64 {
	if g.Generation == 0 {
		return s.Dropped
	}
	return g.Generation
}

// An Erasure is what became of one revision.
type Erasure struct {
	Revision
	How   string    // a word of providers.How
	Until time.Time // when the service destroys what is only disabled; zero if it never does
}

// A Place is what one place showed when it was looked at last.
type Place struct {
	Name    string // of the output; "" is the key's own secret
	Content Content
	Erases  string // how strongly its store erases where nothing weaker happened: a word of providers.How

	Unseen   bool       // it could not be looked at, or not told from a stranger's
	Head     *Revision  // what it shows, where that is not the newest rendering; else nil
	Readable []Revision // superseded, and can still be read
	Erased   []Erasure  // what was erased less strongly than Erases
}

// How gone a key is where that is no word of providers.How.
const (
	NotYet     = "not yet"     // a place still shows it
	CannotTell = "cannot tell" // a place could not be looked at, or no config names it any more
)

// strengths are those two and the words of providers.How, the weakest first.
var strengths = []string{NotYet, CannotTell, "unlabelled", "disabled", "replaced", "unlinked", "destroyed"}

// strength orders them. An unknown word, of a later version, proves nothing.
func strength(how string) int {
	if i := slices.Index(strengths, how); i >= 0 {
		return i
	}
	return slices.Index(strengths, CannotTell)
}

// Weaker tells whether what is a is less gone than what is b.
func Weaker(a, b string) bool { return strength(a) < strength(b) }

// Reversible tells whether somebody with the right to can get back what was
// erased in this way, from the service itself.
func Reversible(how string) bool { return how == "disabled" || how == "unlabelled" }

// A Trace is how gone one removed key is.
type Trace struct {
	Kid        string
	Removed    time.Time // from the document
	Generation uint64    // likewise, the first without it; 0 if that is not on record
	Revoked    bool      // it was compromised: nobody may use it any more

	How    string    // a word of providers.How, NotYet or CannotTell
	Until  time.Time // when the service destroys what is only disabled; zero if it never does
	Places []string  // the names of the places that make it How; empty where a note in the document does

	// Observed tells that How was seen. Where it is false, How is what the first
	// version of rotate noted: what that kind of store does.
	Observed bool
}

// Traces tells how gone each removed key is, in the order of the document.
func Traces(now time.Time, s *keyset.Set, places []Place) []Trace {
	var all []Trace
	for _, g := range s.Gone {
		all = append(all, TraceOf(now, s, g, places))
	}
	return all
}

// TraceOf tells how gone one removed key is. The weakest place counts, and a
// place that the document remembers and no config names cannot be told. A note
// in the document stands in for places that were not seen now, and for an
// erasure weaker than what they show; a place that still shows the key is
// believed over any note.
func TraceOf(now time.Time, s *keyset.Set, g keyset.Gone, places []Place) Trace {
	t := Trace{Kid: g.Kid, Removed: g.At, Generation: g.Generation, Revoked: slices.Contains(s.Revoked, g.Kid), Observed: true}
	for _, pl := range places {
		t.meet(pl.Name, pl.shows(now, s, g))
	}
	for _, o := range s.Outputs {
		// guard 4: a place that no config names proves nothing
		if !slices.ContainsFunc(places, func(pl Place) bool { return pl.Name == o.Name }) {
			t.meet(o.Name, Erasure{How: CannotTell})
		}
	}
	noted := g.Observed() && (t.How == "" || t.How == CannotTell || Weaker(g.How, t.How) && pending(now, g.Until))
	switch {
	case t.How == NotYet:
	case g.Generation == 0 && g.How != "":
		t.How, t.Until, t.Places, t.Observed = g.How, time.Time{}, nil, false
	case noted:
		t.How, t.Until, t.Places = g.How, g.Until, nil
	case t.How == "":
		t.How = CannotTell
	}
	return t
}

// meet takes in one more place.
func (t *Trace) meet(place string, e Erasure) {
	switch {
	// guard 4: the weakest place counts
	case t.How == "" || Weaker(e.How, t.How):
		t.How, t.Until, t.Places = e.How, e.Until, []string{place}
	case e.How == t.How:
		t.Until = last(t.Until, e.Until)
		if !slices.Contains(t.Places, place) {
			t.Places = append(t.Places, place)
		}
	}
}

// shows is how gone a removed key is in one place.
func (pl Place) shows(now time.Time, s *keyset.Set, g keyset.Gone) Erasure {
	held := func(r Revision) bool {
		return (pl.Content == Documents || r.Lineage == s.Lineage) && r.mayHold(pl.Content, g.Kid, g.Made, removed(s, g))
	}
	switch {
	// guard 4: what a place still shows is not gone
	case pl.Head != nil && held(*pl.Head) || slices.ContainsFunc(pl.Readable, held):
		return Erasure{How: NotYet}
	// guard 4: a place that could not be looked at proves nothing
	case pl.Unseen || pl.Erases == "":
		return Erasure{How: CannotTell}
	}
	is := Erasure{How: pl.Erases}
	for _, e := range pl.Erased {
		switch {
		case !held(e.Revision) || !pending(now, e.Until) || Weaker(is.How, e.How):
		// guard 4: an erasure that was weaker than promised counts
		case Weaker(e.How, is.How):
			is = Erasure{How: e.How, Until: e.Until}
		default:
			is.Until = last(is.Until, e.Until)
		}
	}
	return is
}

// pending tells whether what is only disabled was not destroyed yet.
func pending(now, until time.Time) bool { return until.IsZero() || now.Before(until) }

// last is the later of two dates of destruction; zero is never.
func last(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

// Alarming tells whether a person should look after a removed key. late is how
// long an erasure may take where nothing is wrong.
//
// A compromised key alarms until it is gone. Where the store can do no more than
// disable or unlabel it, that is until the service destroys it by its own date,
// or else until the next rotation: what then is left there cannot be mended.
// Another key alarms only if nobody erases it.
func (t Trace) Alarming(now time.Time, s *keyset.Set, late time.Duration) bool {
	switch {
	case t.How == NotYet:
		return t.Revoked || now.Sub(t.Removed) > late
	case !t.Revoked || !t.Observed:
		return false
	case t.How == CannotTell:
		return true
	case !Reversible(t.How):
		return false
	case !t.Until.IsZero():
		return now.Before(t.Until)
	}
	return s.Removed == nil && !s.Signing().NotBefore.After(t.Removed)
}

// Telling tells whether the places of a trace are worth naming: those in which a
// key is less than gone.
func (t Trace) Telling() bool {
	return t.How == NotYet || t.How == CannotTell || t.Observed && Reversible(t.How)
}

// Reason is the alarm of a trace as a reason. places are its names for people.
func (t Trace) Reason(places []string) Reason {
	r := Reason{Code: NotGone, Kid: t.Kid, Is: t.How, At: t.Until, Output: strings.Join(places, ", ")}
	if t.Revoked {
		r.Whose = "revoked"
	}
	return r
}
