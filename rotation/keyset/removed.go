package keyset

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// RemovedSchema is the schema of what is left of a key that was removed. Whoever knows
// Schema alone reads nothing there.
const RemovedSchema = "rotate/removed/v1"

// ErrNoWayBack says that a removal cannot be taken back.
var ErrNoWayBack = errors.New("the removal cannot be taken back")

// A Removal is the first step in which a key is removed: nothing signs any more. The key that
// signed last is the youngest previous key, and verifies until its Expires.
type Removal struct {
	At    time.Time     // since when
	For   time.Duration // how long what was signed stays valid, from the time at which the end was seen everywhere
	By    string        // who removed it, for people
	Now   bool          // a person waits for nobody: outputs that are behind do not put the erasure off
	last  *Key          // the key that signed last, private half and all, so that Restore can; nil once it was revoked
	extra map[string]any
}

// A Tomb is what is left of a key that was removed: no key, and a record. Its Set has no Keys.
type Tomb struct {
	At    time.Time // when the keys were removed
	By    string    // who removed them, for people
	extra map[string]any
}

// A Line names the end of a lineage: its marker had this generation.
type Line struct {
	Lineage    string
	Generation uint64
}

// Remove begins to remove the key: no key signs any more. A next key goes at once. What the
// others have signed stays valid until end at least, and for so long after the end was seen
// everywhere; previous keys keep the dates they have, or get. With Now every key goes at end,
// whatever was promised. It takes a pause away.
func (s *Set) Remove(r Removal, end, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	if s.ends() {
		return nil, fmt.Errorf("%w: the key is being removed already", ErrWrongStatus)
	}
	if next, ok := s.Next(); ok {
		n.remove(next.Kid, at)
	}
	last := s.Signing()
	r.At, r.last = seconds(at), &last
	r.For = r.For.Truncate(time.Second)
	n.Removing, n.Paused = &r, nil
	n.Ready, n.Settled = nil, nil // that the end was seen is a mark of its own, whatever was seen before
	n.MinWriter = n.oldestWriter()
	// Promise 9: whoever reads this cannot sign.
	only := last.withoutPrivate()
	only.Status = Previous
	only.Expires = latest(seconds(end), last.NotBefore)
	n.Keys[0] = only
	if r.Now {
		n.expire(end)
	}
	return n, n.check()
}

// Hasten makes a removal that has begun wait for nobody any more.
func (s *Set) Hasten(by string, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	if s.Removing == nil {
		return nil, fmt.Errorf("%w: the key is not being removed", ErrWrongStatus)
	}
	r := *s.Removing
	r.Now, r.By, r.For = true, by, 0
	n.Removing = &r
	n.expire(at)
	return n, n.check()
}

// expire has every key end at a time, whatever was promised.
func (s *Set) expire(at time.Time) {
	for i, k := range s.Keys {
		s.Keys[i].Expires = latest(seconds(at), k.NotBefore)
	}
}

// Restore takes a removal back: the key that signed last signs again. ErrNoWayBack if it was
// revoked meanwhile, or if no removal is under way.
func (s *Set) Restore(at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	switch {
	case err != nil:
		return nil, err
	case s.Removing == nil:
		return nil, fmt.Errorf("%w: none is under way", ErrNoWayBack)
	case s.Removing.last == nil || s.Removing.last.Kid != s.Signing().Kid:
		return nil, fmt.Errorf("%w: the key that signed last was revoked", ErrNoWayBack)
	}
	n.Keys[0] = *s.Removing.last
	n.Removing = nil
	if n.Settled == nil && len(n.Previous()) > 0 {
		// A mark of no places that there are: it is made again, and dates count from then.
		n.Settled = &Mark{Kid: n.Keys[0].Kid, At: n.Keys[0].NotBefore, Places: Places{{Revision: "removal"}}.Digest()}
	}
	n.MinWriter = n.oldestWriter()
	return n, n.check()
}

// Bury ends the lineage: what it returns has no key, and is left so that nobody begins anew by
// mistake. kids were compromised, beyond those on record. No earlier revision may stay. It refuses what was
// not removed by Remove, and dates that have not come.
func (s *Set) Bury(kids []string, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	if s.Removing == nil {
		return nil, fmt.Errorf("%w: only a key that is being removed ends", ErrWrongStatus)
	}
	for _, k := range s.Keys {
		// guard 3: the document refuses to end too early
		if (k.Expires.IsZero() || at.Before(k.Expires)) && !slices.Contains(kids, k.Kid) {
			return nil, fmt.Errorf("%w: kid %s verifies until %s", ErrTooEarly, k.Kid, k.Expires.Format(time.RFC3339))
		}
	}
	for _, kid := range kids {
		if !slices.Contains(n.Revoked, kid) {
			n.Revoked = append(n.Revoked, kid)
		}
	}
	n.Removed = &Tomb{At: seconds(at), By: s.Removing.By}
	n.Removing, n.Settled, n.Ready, n.Paused = nil, nil, nil, nil
	for i := len(s.Keys) - 1; i >= 0; i-- {
		n.remove(s.Keys[i].Kid, at)
	}
	n.MinWriter = n.oldestWriter()
	return n, n.check()
}

// Again begins another lineage where s, a key that was removed, has ended.
func (s *Set) Again(name, environment, lineage string, k Key, at time.Time) (*Set, error) {
	if s.Removed == nil {
		return nil, fmt.Errorf("%w: there is a key", ErrWrongStatus)
	}
	n, err := Create(name, environment, lineage, k, at)
	if err != nil {
		return nil, err
	}
	n.After = append([]Line{s.Line()}, s.After...)
	n.After = n.After[:min(len(n.After), maxAfter)]
	return n, nil
}

// Line names s as the end of its lineage.
func (s *Set) Line() Line { return Line{s.Lineage, s.Generation} }

// Ended tells whether s began after a lineage had ended that a witness remembers.
func (s *Set) Ended(lineage string, generation uint64) bool {
	return slices.ContainsFunc(s.After, func(l Line) bool { return l.Lineage == lineage && generation <= l.Generation })
}

// ends tells whether the key is being removed, or was.
func (s *Set) ends() bool { return s.Removing != nil || s.Removed != nil }

// oldestWriter is the oldest version of writers that may change the document as it is.
func (s *Set) oldestWriter() int {
	if s.Paused != nil || s.ends() {
		return pauseWriter
	}
	return firstWriter
}

// without is what a revocation does to a removal that is under way.
func (r *Removal) without(kids []string) *Removal {
	if r == nil || r.last == nil || !slices.Contains(kids, r.last.Kid) {
		return r
	}
	n := *r
	n.last = nil
	return &n
}

// checkRemoval holds the keys against a removal: while one is under way nothing signs, and
// after it nothing is left.
func (s *Set) checkRemoval(count map[Status]int) (errs []error) {
	switch {
	case s.Removed != nil && (len(s.Keys) > 0 || s.Removing != nil):
		errs = append(errs, fmt.Errorf("%w: a key that was removed has keys", ErrMalformed))
	case s.Removed != nil:
	case s.Removing != nil:
		// guard 1: nothing signs while a key is removed
		if count[Current]+count[Next] > 0 {
			errs = append(errs, fmt.Errorf("%w: a key signs while it is removed", ErrMalformed))
		}
		if count[Previous] == 0 {
			errs = append(errs, ErrNoCurrent)
		}
		if last := s.Removing.last; last != nil {
			errs = append(errs, last.checkStatus())
			if last.Kid != s.Signing().Kid || last.Status != Current {
				errs = append(errs, fmt.Errorf("%w: removing.last is not the key that signed last", ErrMalformed))
			}
		}
	// guard 1: no current key is refused
	case count[Current] == 0:
		errs = append(errs, ErrNoCurrent)
	// guard 1: two current keys are refused
	case count[Current] > 1:
		errs = append(errs, ErrTwoCurrent)
	}
	return errs
}

func readRemoval(m *members) *Removal {
	if !m.has("removing") {
		return nil
	}
	var r Removal
	m.object(m.take("removing"), "removing", func(o *members) {
		r = Removal{At: o.someTime("at"), By: o.optWord("by"), For: time.Duration(o.optNumber("for")) * time.Second, Now: o.flag("now")}
		if o.has("last") {
			o.object(o.take("last"), "last", func(k *members) {
				k.m["status"] = string(Current) // as it was; written down it could be taken for one that signs
				last := readKey(k)
				r.last = &last
			})
		}
		r.extra = o.rest()
	})
	return &r
}

func readTomb(m *members) *Tomb {
	if !m.has("removed") {
		return nil
	}
	var t Tomb
	m.object(m.take("removed"), "removed", func(o *members) {
		t = Tomb{At: o.someTime("at"), By: o.optWord("by"), extra: o.rest()}
	})
	return &t
}

func readLines(m *members) (lines []Line) {
	m.objects("after", func(o *members) {
		lines = append(lines, Line{Lineage: o.kid("lineage"), Generation: o.count("generation")})
	})
	return lines
}

func (r *Removal) tree() map[string]any {
	m := with(r.extra, map[string]any{"at": r.At.Unix(), "by": r.By})
	count(m, "for", uint64(max(0, r.For/time.Second)))
	if r.Now {
		m["now"] = true
	}
	if r.last != nil {
		last := r.last.tree(true)
		delete(last, "status")
		m["last"] = last
	}
	return m
}

// addRemoval adds what outputs show of a removal, or the whole.
func (s *Set) addRemoval(m map[string]any, whole bool) {
	if r := s.Removing; r != nil {
		m["removing"] = map[string]any{"at": r.At.Unix()}
		if whole {
			m["removing"] = r.tree()
		}
	}
	if t := s.Removed; t != nil {
		m["removed"] = with(t.extra, map[string]any{"at": t.At.Unix(), "by": t.By})
	}
	if whole {
		list(m, "after", s.After, func(l Line) any { return map[string]any{"lineage": l.Lineage, "generation": l.Generation} })
	}
}
