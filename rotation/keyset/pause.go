package keyset

import (
	"fmt"
	"time"
)

// MaxPause is the longest time for which a key can be paused: the longest period
// between rotations that is advised.
const MaxPause = 180 * 24 * time.Hour

// The versions of writers. Before pauses there was one, which would rotate a key
// in a pause: a document with a pause asks for the second.
const (
	firstWriter = 1
	pauseWriter = 2
)

// A Pause keeps a key from being published and from beginning to sign until a time,
// whoever asks for it. It holds nothing else: marks, retirement, erasure and revocation
// go on. It ends by itself.
type Pause struct {
	At     time.Time // since when
	Until  time.Time
	By     string // who set it, for people
	Reason string // why, for people
	extra  map[string]any
}

// Over tells whether a pause has ended at the time t. What is not paused is over.
func (p *Pause) Over(t time.Time) bool { return p == nil || !t.Before(p.Until) }

// Pause sets a pause from the time at on, in place of one that stands there. It is a
// mark: no key changes. One that does not lie ahead, or is longer than MaxPause, is
// ErrDates.
func (s *Set) Pause(p Pause, at time.Time) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	if s.ends() {
		return nil, fmt.Errorf("%w: the key is being removed", ErrWrongStatus)
	}
	p.At, p.Until = seconds(at), seconds(p.Until)
	n.Paused = &p
	n.MinWriter = n.oldestWriter()
	return n, n.check()
}

// Resume takes a pause away, if there is one.
func (s *Set) Resume(at time.Time) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	n.resume()
	return n, nil
}

// resume does it to a successor that was not handed out yet.
func (s *Set) resume() {
	if s.Paused != nil {
		s.Paused = nil
		s.MinWriter = s.oldestWriter()
	}
}

// rotates is the first thing that a step of a rotation does to a successor: a pause refuses it, and
// one that has ended goes.
func (s *Set) rotates(at time.Time) error {
	// A bug in the planner alone cannot break a pause.
	if !s.Paused.Over(at) {
		return fmt.Errorf("%w until %s", ErrPaused, s.Paused.Until.Format(time.RFC3339))
	}
	// guard 1: nothing begins to sign while a key is removed
	if s.ends() {
		return fmt.Errorf("%w: the key is being removed", ErrWrongStatus)
	}
	s.resume()
	return nil
}

// checkPause holds the dates of a pause against each other.
func (s *Set) checkPause() error {
	p := s.Paused
	if p == nil || p.Until.After(p.At) && !p.Until.After(p.At.Add(MaxPause)) {
		return nil
	}
	return fmt.Errorf("%w: a pause ends within %d days of its beginning, and after it", ErrDates, MaxPause/(24*time.Hour))
}

// shownWriter is the min_writer of a rendering. Whoever reads one writes no document, and a
// rendering changes only with the generation. Else a pause would have every output written and
// every wait begun anew, so it would put retirement off.
func (s *Set) shownWriter() int {
	// guard 4: a pause changes no output, so it never holds a retirement
	if s.Paused != nil || s.Removing != nil {
		return firstWriter
	}
	return s.MinWriter
}
