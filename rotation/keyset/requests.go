package keyset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// A Request asks to rotate away from a key. It is on record so that it is
// served exactly once. It is pending while that key is still current.
type Request struct {
	ID    string    // 128 bits of a hash, hex
	From  string    // kid that was current when it was made
	At    time.Time // when it was recorded
	By    string    // who asked, for people
	Named bool      // the asker chose the id, so a retry must be known for RequestsKept
	extra map[string]any
}

// FromNothing is the From of a request that was made when there was no key.
const FromNothing = "none"

// NamedRequest is the request that a person or a job named id makes. Only a
// hash is kept: ids may say more than a document should.
func NamedRequest(id, from, by string) Request {
	return Request{ID: hash("named " + id), From: from, By: by, Named: true}
}

// UnnamedRequest is "rotate away from this key, whoever does it": all who ask
// that of the same key ask the same.
func UnnamedRequest(from, by string) Request {
	return Request{ID: hash("away from " + from), From: from, By: by}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte("rotate request " + s))
	return hex.EncodeToString(sum[:16])
}

// Pending is the request that waits for the next promotion, if any. None waits while the key is being removed. It stays
// on record, and waits again if the removal is taken back: what was asked once is served once.
func (s *Set) Pending() (Request, bool) {
	if s.ends() {
		return Request{}, false
	}
	i := slices.IndexFunc(s.Requests, func(r Request) bool { return r.From == s.Signing().Kid })
	if i < 0 {
		return Request{}, false
	}
	return s.Requests[i], true
}

// Recorded finds a request by its id.
func (s *Set) Recorded(id string) (Request, bool) {
	i := slices.IndexFunc(s.Requests, func(r Request) bool { return r.ID == id })
	if i < 0 {
		return Request{}, false
	}
	return s.Requests[i], true
}

// Record returns s with r on record. The write that carries it may be that of
// a transition: s keeps its generation and its parent's history either way.
func (s *Set) Record(r Request, at time.Time) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	return n, n.record(r, at)
}

// With adds a request to a set that was changed but not written yet.
func (s *Set) With(r Request, at time.Time) (*Set, error) {
	n := *s
	n.Requests = slices.Clone(s.Requests)
	return &n, n.record(r, at)
}

func (s *Set) record(r Request, at time.Time) error {
	if _, known := s.Recorded(r.ID); known {
		return nil
	}
	r.At = seconds(at)
	kept := len(s.Requests) == maxRequests // then there is no place to keep more than is needed
	s.Requests = slices.DeleteFunc(s.Requests, func(o Request) bool {
		// Of the unnamed ones only the pending and the last are of use, and the
		// first about an adopted key that is live: it may say that the key is weak.
		switch {
		case s.forgettable(o, at):
			return true
		case r.Named || o.Named || o.From == s.Signing().Kid:
			return false
		}
		k, _ := s.Key(o.From)
		first := k.Adopted && !kept
		kept = kept || first
		return !first
	})
	// One place is kept for an unnamed request: retries of many jobs must not
	// keep a person from rotating.
	places := maxRequests
	if r.Named {
		places--
	}
	s.Requests = append(s.Requests, r)
	toCome := 0
	if _, made := s.Next(); !made {
		toCome = s.keySize()
	}
	if len(s.Requests) > places || r.Named && !s.fits(toCome) {
		free := s.Requests[0].At.Add(RequestsKept)
		return fmt.Errorf("%w until %s; without an id a rotation can still be asked for", ErrTooManyAsked, free.Format(time.RFC3339))
	}
	return nil
}

// forgettable tells whether a request may go: a named one after RequestsKept,
// an unnamed one as soon as its key neither signs nor is previous, because
// nobody who still asks can have read that key as current.
func (s *Set) forgettable(r Request, at time.Time) bool {
	if r.From == s.Signing().Kid {
		return false
	}
	if !r.Named {
		_, live := s.Key(r.From)
		return !live || r.At.Add(RequestsKept).Before(at)
	}
	return r.At.Add(RequestsKept).Before(at)
}
