package keyset

import (
	"fmt"
	"slices"
	"time"
)

// Create begins a lineage with its first key, which signs at once: there is no
// reader yet to wait for.
func Create(name, environment, lineage string, k Key, at time.Time) (*Set, error) {
	k.Status = Current
	k.Issued = seconds(at)
	k.NotBefore = k.Issued
	k.Made = 1
	return &Set{
		Name: name, Environment: environment, Lineage: lineage,
		Generation: 1, MinWriter: firstWriter, Keys: []Key{k},
	}, k.checkMaterial()
}

// MaxUntil is the longest time for which Adopt keeps keys that only verify: a
// bit more than a year, the longest that tokens are commonly valid.
const MaxUntil = 400 * 24 * time.Hour

// Adopt begins a lineage with keys that applications use already. The first one
// signs on; the others, the youngest first, only verify, and their private
// halves are dropped. They verify until the time until, or, if that is the zero
// time, for the grace that begins when this document was seen everywhere
// (MarkSettled). An until beyond MaxUntil or not after at is ErrDates. All
// dates are those of the adoption: rotate never promised what the keys had
// elsewhere.
func Adopt(name, environment, lineage string, keys []Key, at, until time.Time) (*Set, error) {
	if len(keys) == 0 {
		return nil, ErrNoCurrent
	}
	s, err := Create(name, environment, lineage, keys[0], at)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() && (!until.After(at) || until.After(at.Add(MaxUntil))) {
		return nil, fmt.Errorf("%w: adopted keys verify until a time in the next %d days", ErrDates, MaxUntil/(24*time.Hour))
	}
	for _, k := range keys[1:] {
		if err := k.checkMaterial(); err != nil {
			return nil, err
		}
		k = k.withoutPrivate()
		k.Status, k.Issued, k.NotBefore, k.Expires = Previous, seconds(at), seconds(at), seconds(until)
		s.Keys = append(s.Keys, k)
	}
	if s.size() > MaxBytes {
		return nil, ErrTooLarge
	}
	return s, s.check()
}

// Writable returns ErrNewerWriter if this version may only read the document.
func (s *Set) Writable() error {
	if s.MinWriter > writer {
		return fmt.Errorf("%w: version %d, this one is %d", ErrNewerWriter, s.MinWriter, writer)
	}
	return nil
}

// successor is the copy that a transition (step 1) or a mark (step 0) changes,
// without the requests that need not be remembered any more.
func (s *Set) successor(step uint64, at time.Time) (*Set, error) {
	if err := s.Writable(); err != nil {
		return nil, err
	}
	n := *s
	n.Generation += step
	n.Keys = slices.Clone(s.Keys)
	n.Gone = slices.Clone(s.Gone)
	n.Requests = slices.DeleteFunc(slices.Clone(s.Requests), func(r Request) bool { return s.forgettable(r, at) })
	n.Revoked = slices.Clone(s.Revoked)
	n.History = append([]Past{s.Past()}, s.History...)
	n.History = n.History[:min(len(n.History), maxHistory)]
	return &n, nil
}

// Publish adds k as next, for everyone to learn before it signs.
func (s *Set) Publish(k Key, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	if err := n.rotates(at); err != nil {
		return nil, err
	}
	if _, ok := s.Next(); ok {
		return nil, fmt.Errorf("%w: there is a next key already", ErrWrongStatus)
	}
	if !s.HasRoom() {
		return nil, fmt.Errorf("%w: %d", ErrTooManyKeys, len(s.Keys))
	}
	k.Status, k.NotBefore, k.Expires = Next, time.Time{}, time.Time{}
	k.Issued, k.Made = seconds(at), n.Generation
	n.Keys = slices.Insert(n.Keys, 1, k)
	n.Ready = nil
	return n, n.check()
}

// Promote makes next the signing key and the current key the youngest
// previous one, without its private half (NIST SP 800-57 part 1:
// a private signature key is destroyed at the end of its use). It wants the
// ready mark; how long that has to stand is the caller's rule.
func (s *Set) Promote(at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	if err := n.rotates(at); err != nil {
		return nil, err
	}
	next, ok := s.Next()
	if !ok ||
		// guard 2: the document wants ready before a promotion
		(s.Ready == nil || s.Ready.Kid != next.Kid) {
		return nil, fmt.Errorf("%w: promote wants a next key that was seen everywhere", ErrWrongStatus)
	}
	old := s.Signing()
	// guard 9: revisions with a dropped private half go at once
	if !old.Alg.Symmetric() {
		n.Dropped = n.Generation
	}
	old.Status = Previous
	// guard 9: promotion drops the private half
	old = old.withoutPrivate()
	next.Status = Current
	// guard incident 21: the next rotation counts from the late one
	next.NotBefore = latest(seconds(at), next.Issued, old.NotBefore)
	n.Keys = append([]Key{next, old}, s.Previous()...)
	n.Ready, n.Settled = nil, nil
	return n, n.check()
}

// Retire removes a previous key whose time is over.
func (s *Set) Retire(kid string, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	k, ok := s.Key(kid)
	if !ok || k.Status != Previous || s.Removing != nil && kid == s.Signing().Kid {
		return nil, fmt.Errorf("%w: retire wants a previous key", ErrWrongStatus)
	}
	// guard 3: the document refuses to retire too early
	if k.Expires.IsZero() || at.Before(k.Expires) {
		return nil, fmt.Errorf("%w: kid %s verifies until %s", ErrTooEarly, kid, k.Expires.Format(time.RFC3339))
	}
	n.remove(kid, at)
	return n, n.check()
}

// Revoke removes kids at once and for ever. If the current key is among them,
// fresh takes its place in the same write, without having stood as next: a
// forger must not go on for the time of a propagation.
func (s *Set) Revoke(kids []string, fresh *Key, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	return n, n.revoke(kids, fresh, at)
}

// Accept goes on from s although newer documents of its lineage are known, up
// to generation above: s is a restored backup, or a fork, and a person has
// decided that it counts. Its successor counts as following all of them, so no
// witness contradicts it. Nothing counts as seen. kids never come back to life;
// if current is among them, fresh takes its place.
func (s *Set) Accept(above uint64, kids []string, fresh *Key, at time.Time) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	n.Accepted = max(s.Generation, above)
	n.Generation = n.Accepted + 1
	n.Ready, n.Settled = nil, nil
	return n, n.revoke(kids, fresh, at)
}

// revoke does it to a successor that was not handed out yet.
func (s *Set) revoke(kids []string, fresh *Key, at time.Time) error {
	old := s.Signing()
	for _, kid := range kids {
		if _, live := s.Key(kid); live {
			s.remove(kid, at)
		}
		if !slices.Contains(s.Revoked, kid) {
			s.Revoked = append(s.Revoked, kid)
		}
	}
	if len(s.Revoked) > maxRevoked {
		return fmt.Errorf("%w: more than %d revoked kids", ErrTooLarge, maxRevoked)
	}
	s.Removing = s.Removing.without(kids)
	// A key that is removed gets no successor.
	if slices.Contains(kids, old.Kid) && s.Removing == nil {
		if fresh == nil {
			return fmt.Errorf("%w: the current key has to be replaced", ErrWrongStatus)
		}
		k := *fresh
		k.Status, k.Issued, k.Made = Current, seconds(at), s.Generation
		k.NotBefore = latest(k.Issued, old.NotBefore)
		s.Keys = slices.Insert(s.Keys, 0, k)
		s.Settled = nil
	}
	if next, ok := s.Next(); !ok || s.Ready != nil && s.Ready.Kid != next.Kid {
		s.Ready = nil
	}
	return s.check()
}

// HasRoom reports whether the document can take one more key like the current
// one, and everything that is written about it until it is gone.
func (s *Set) HasRoom() bool {
	return len(s.Keys) < MaxLive && s.fits(s.keySize())
}

// fits reports whether the document can grow by so much, and by what a rotation
// adds to it besides.
func (s *Set) fits(more int) bool { return s.size()+more+slack <= MaxBytes }

// slack is what marks, dates and the records of a rotation add to a document.
const slack = 1 << 10

// size is that of the document without what can be trimmed from it.
func (s *Set) size() int {
	n := *s
	n.History, n.Gone = nil, nil
	return len(canonical(n.tree(true)))
}

// keySize is what one more key like the current one adds.
func (s *Set) keySize() int {
	k := s.Signing()
	return len(canonical(k.tree(true))) + len(k.PublicPEM()) + 64
}

// remove drops a key and notes that its material must not stay readable in
// earlier revisions.
func (s *Set) remove(kid string, at time.Time) {
	k, _ := s.Key(kid)
	s.Keys = slices.DeleteFunc(s.Keys, func(k Key) bool { return k.Kid == kid })
	s.Gone = append([]Gone{{Kid: kid, At: seconds(at), Made: k.Made, Generation: s.Generation}}, s.Gone...)
	s.Gone = s.Gone[:min(len(s.Gone), maxGone)]
	// guard 4: a removal marks earlier revisions
	s.Dropped = s.Generation
}

// Observe returns s with a note of how strongly a removed kid was erased, as
// seen at a time. until is when the service destroys what is only disabled,
// zero if never. The note is no write of its own: whoever changes s for another
// reason takes it along. It returns s itself if s says so already, or if the
// kid's removal is not on record.
func (s *Set) Observe(kid, how string, at, until time.Time) *Set {
	i := slices.IndexFunc(s.Gone, func(g Gone) bool { return g.Kid == kid && g.Generation > 0 })
	if i < 0 || s.Gone[i].How == how && s.Gone[i].Until.Equal(until.Truncate(time.Second)) {
		return s
	}
	n := *s
	n.Gone = slices.Clone(s.Gone)
	n.Gone[i].How, n.Gone[i].Erased, n.Gone[i].Until = how, seconds(at), time.Time{}
	if !until.IsZero() {
		n.Gone[i].Until = seconds(until)
	}
	return &n
}

// latest keeps dates in order when writers' clocks differ by a little.
func latest(t time.Time, others ...time.Time) time.Time {
	for _, o := range others {
		if o.After(t) {
			t = o
		}
	}
	return t
}
