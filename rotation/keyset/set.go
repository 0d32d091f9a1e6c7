package keyset

import (
	"slices"
	"time"
)

// The limits of a document. The size is what every backend takes (Azure Key
// Vault: 25 KB); the others keep a document within it.
const (
	Schema      = "rotate/keyset/v1"
	MaxBytes    = 20 << 10
	MaxLive     = 8  // live keys: current, next and at most six or seven previous; fewer if they are large
	maxHistory  = 16 // past (generation, digest) pairs
	maxGone     = 8
	maxRequests = 32
	maxRevoked  = 64
	maxOutputs  = 32
	maxAfter    = 4
	writer      = pauseWriter // what min_writer is compared with

	// RequestsKept is how long a request is remembered, so that a retry of it
	// changes nothing.
	RequestsKept = 7 * 24 * time.Hour
)

// A Set is one document. It is made by Parse, Create or a transition and never
// changes; treat its fields as read-only.
type Set struct {
	Name        string // of the key
	Environment string
	Lineage     string // random, made once; a document of another lineage is another keyset
	Generation  uint64 // number of transitions so far, Create included
	Parent      string // revision that this document was written after
	Write       string // random, one a write
	Digest      string // over everything else; set by Encode and Parse

	Keys []Key // current, next, previous: youngest first

	Ready   *Mark // next was read back everywhere
	Settled *Mark // the last promotion was read back everywhere

	Paused *Pause // nil if no pause was set, or the last one was dropped; see Pause.Over

	// A key that is removed has Removing first: nothing signs. Then it has Removed, and no Keys.
	Removing *Removal
	Removed  *Tomb
	After    []Line // lineages of earlier keys in this place that have ended, the last one first

	History  []Past    // newest first
	Gone     []Gone    // newest first
	Requests []Request // oldest first
	Revoked  []string  // kids that are never accepted again
	Outputs  []Output  // wherever renderings may have been written, by name

	// Dropped is the generation of the last transition that removed material.
	// A revision of an earlier generation still holds it and must go.
	Dropped uint64

	// Accepted is the generation up to which every other line of this lineage was
	// given up when a restored document was accepted; 0 if that never happened.
	Accepted uint64

	MinWriter int            // oldest version of the document's writers that may change it
	extra     map[string]any // members that this version does not know
}

// A Mark notes that something was observed, at what time, with which outputs.
type Mark struct {
	Kid    string    // of the key that was seen
	At     time.Time // when
	Places string    // Places.Digest of the outputs as they were seen
	extra  map[string]any
}

// A Past is an earlier state of the same lineage.
type Past struct {
	Generation uint64
	Digest     string
}

// Gone is a key that was removed. Whether its material is gone as well is not
// known at that time. rotate looks for it in each place, and the next write
// that comes anyway notes what was found (see Observe).
type Gone struct {
	Kid        string
	At         time.Time // when it was removed
	Made       uint64    // generation that first had it; 0 if that is not on record
	Generation uint64    // generation that first lacked it; 0 in documents of the first version

	// How strongly the weakest place has erased it: a word of providers.How. ""
	// if that was not observed yet. Where Generation is 0 nobody observed it: the
	// first version noted what its kind of store does.
	How    string
	Erased time.Time // when How was observed
	Until  time.Time // when the service destroys what is only disabled; zero if it never does

	extra map[string]any
}

// Observed tells whether How was seen to be so.
func (g Gone) Observed() bool { return g.Generation > 0 && g.How != "" }

// Signing is the current key. While a key is being removed it is the one that signed last: it has
// the Status Previous, and nobody is to sign with it. Of a key that was removed it is the zero Key.
func (s *Set) Signing() Key {
	if len(s.Keys) == 0 {
		return Key{}
	}
	return s.Keys[0]
}

// Verifying is every key that may have signed a token with this kid: the one of
// that kid, or all for "", because tokens from before kids were used carry
// none. It is empty for an unknown kid: such a token is refused.
func (s *Set) Verifying(kid string) []Key {
	if kid == "" {
		return slices.Clone(s.Keys)
	}
	if k, ok := s.Key(kid); ok {
		return []Key{k}
	}
	return nil
}

// Key finds a live key.
func (s *Set) Key(kid string) (Key, bool) {
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Kid == kid })
	if i < 0 {
		return Key{}, false
	}
	return s.Keys[i], true
}

// Knows tells whether a kid is live, or is on record as gone or revoked.
func (s *Set) Knows(kid string) bool {
	_, live := s.Key(kid)
	return live || slices.Contains(s.Revoked, kid) || slices.ContainsFunc(s.Gone, func(g Gone) bool { return g.Kid == kid })
}

// Next is the published key that does not sign yet.
func (s *Set) Next() (Key, bool) {
	if len(s.Keys) > 1 && s.Keys[1].Status == Next {
		return s.Keys[1], true
	}
	return Key{}, false
}

// Previous is the keys that only verify, youngest first, and without the one that Signing returns.
func (s *Set) Previous() []Key {
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Status == Previous })
	if i < 0 {
		return nil
	}
	return s.Keys[max(1, i):]
}

// Replaced is the compromised key that current took the place of, if that is how
// current began.
func (s *Set) Replaced() (Gone, bool) {
	i := slices.IndexFunc(s.Gone, func(g Gone) bool {
		return slices.Contains(s.Revoked, g.Kid) && g.At.Equal(s.Signing().Issued)
	})
	if i < 0 {
		return Gone{}, false
	}
	return s.Gone[i], true
}

// Past is what s will be to its successors.
func (s *Set) Past() Past { return Past{Generation: s.Generation, Digest: s.Digest} }

// Follows reports whether s can be the document that w became, or w itself. If
// s does not follow a witness, s lacks the work of whoever wrote it: s was
// restored from a backup, or is a fork.
func (s *Set) Follows(w Past) bool {
	if w == s.Past() || w.Generation <= s.Accepted {
		return true
	}
	if w.Generation > s.Generation {
		return false
	}
	if w.Digest == "" {
		return true // a witness that knows the generation alone
	}
	if slices.Contains(s.History, w) {
		return true
	}
	// Further back than the history reaches, only the generation is left to
	// compare. A generation can have many marks, so the last one counts, too.
	n := len(s.History)
	if n == 0 {
		return false
	}
	oldest := s.History[n-1]
	whole := n < maxHistory && oldest.Generation == 1 // neither full nor cut short by trim
	return !whole && w.Generation <= oldest.Generation
}

// OldestTime is the earliest time that the document attests: the keyset is no younger.
func (s *Set) OldestTime() (oldest time.Time) {
	note := func(t time.Time) {
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	for _, k := range s.Keys {
		note(k.Issued)
	}
	for _, g := range s.Gone {
		note(g.At)
	}
	return oldest
}

// NewestTime is the latest time that the document attests. A clock that is
// behind it is wrong.
func (s *Set) NewestTime() time.Time {
	var newest time.Time
	note := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	for _, k := range s.Keys {
		note(k.Issued)
		note(k.NotBefore)
	}
	for _, m := range []*Mark{s.Ready, s.Settled} {
		if m != nil {
			note(m.At)
		}
	}
	for _, g := range s.Gone {
		note(g.At)
	}
	return newest
}
