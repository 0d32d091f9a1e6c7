package keyset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Place is one output as it was seen: its name and the revision in it.
type Place struct{ Output, Revision string }

// Places is all outputs that a mark speaks of.
type Places []Place

// Digest names a state of the outputs. It does not depend on their order.
func (p Places) Digest() string {
	sorted := slices.SortedFunc(slices.Values(p), func(a, b Place) int {
		return strings.Compare(a.Output, b.Output)
	})
	h := sha256.New()
	for _, x := range sorted {
		fmt.Fprintf(h, "%q %q\n", x.Output, x.Revision)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// MarkReady notes that next was read back in the store and in places at the
// time at.
func (s *Set) MarkReady(at time.Time, places Places) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	next, ok := s.Next()
	if !ok {
		return nil, fmt.Errorf("%w: no next key to be ready", ErrWrongStatus)
	}
	n.Ready = &Mark{Kid: next.Kid, At: later(s.Ready, next.Kid, at), Places: places.Digest()}
	return n, nil
}

// MarkSettled notes that the current key was read back in the store and in
// places at the time at. Only now the keys before it get the date at which they
// stop verifying, grace later. If an output had to be repaired, the mark is
// made again. It then moves the date of the key that current has replaced. The
// keys before that one keep theirs, or frequent rotations would put them off
// for ever. No date is ever shortened.
func (s *Set) MarkSettled(at time.Time, places Places, grace time.Duration) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	current := s.Signing().Kid
	again := s.Settled != nil && s.Settled.Kid == current
	n.Settled = &Mark{Kid: current, At: later(s.Settled, current, at), Places: places.Digest()}
	if r := s.Removing; r != nil {
		// guard 3: what is signed until the end was seen stays valid as long as was said
		n.Keys[0].Expires = latest(n.Keys[0].Expires, seconds(n.Settled.At.Add(r.For)))
		for i, k := range n.Keys {
			// guard 3: so does what the key before has signed
			if k.Expires.IsZero() || i == 1 {
				n.Keys[i].Expires = latest(seconds(n.Settled.At.Add(grace)), k.NotBefore, k.Expires)
			}
		}
		return n, n.check()
	}
	replaced := true // the youngest previous key comes first
	for i, k := range n.Keys {
		if k.Status != Previous {
			continue
		}
		// guard 4: frequent rotations do not put retirement off
		if k.Expires.IsZero() ||
			// guard 3: frequent rotations do not shorten what is promised
			again && replaced {
			// guard 3: a date is never shortened
			n.Keys[i].Expires = latest(seconds(n.Settled.At.Add(grace)), k.Expires, k.NotBefore)
		}
		replaced = false
	}
	return n, n.check()
}

// later is the time of a new mark: a mark that is made again never goes back.
func later(old *Mark, kid string, at time.Time) time.Time {
	if old != nil && old.Kid == kid {
		return latest(seconds(at), old.At)
	}
	return seconds(at)
}
