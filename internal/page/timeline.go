package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// The lanes of a timeline, in pixels.
const (
	laneHeight = 15
	laneTop    = 3
)

// The widths, in per cent of a timeline, below which a thing is drawn wider, fades, or has no room for its name.
const (
	leastBar  = 1
	fading    = 3
	leastName = 14
)

// The classes of what comes after now.
const (
	planned = "planned"
	unknown = "unknown"
)

// mostRotations bounds what is drawn of a schedule of hours: beyond that it goes on in the same way.
const mostRotations = 12

// A percent is a place or a width in a drawing, as SVG has it.
type percent float64

func (p percent) String() string { return fmt.Sprintf("%.2f%%", float64(p)) }

// A scale is the time that all timelines of a page show. Now is in its middle.
type scale struct{ from, now, to time.Time }

func newScale(now time.Time, days int) scale {
	return scale{from: now.AddDate(0, 0, -days), now: now, to: now.AddDate(0, 0, days)}
}

// x is where a time is; what lies beyond an edge is at that edge.
func (s scale) x(t time.Time) percent {
	share := 100 * float64(t.Sub(s.from)) / float64(s.to.Sub(s.from))
	return percent(min(100, max(0, share)))
}

// shows tells whether a time is within the scale.
func (s scale) shows(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// A bar is one part of a key's life.
type bar struct {
	Class string // what the key does: next, current, previous, gone or more; and after now: planned, or unknown
	X, W  percent
	Name  string // of the key, where there is room for it
}

// A mark is a moment.
type mark struct {
	Kind  string // end, revoked, due or late
	X     percent
	Title string
}

// A drawing is one key in its lane.
type drawing struct {
	Title string // its dates
	Y     int
	Bars  []bar
	End   *mark
}

// A timeline is the lives of one key's keys.
type timeline struct {
	Lives  []drawing
	Due    *mark
	Height int
}

// A pen draws the lives of one key.
type pen struct {
	scale
	timeline
	until   time.Time   // what comes is told until then
	after   string      // the class of what comes
	lanes   []time.Time // the end of what each one holds so far
	removed time.Time   // the end of the removed key that was drawn last
}

// draw draws lives, the oldest first. What comes is known until a time; known is false if nobody can tell.
func draw(s scale, lives []rotation.Life, until time.Time, known bool) timeline {
	p := pen{scale: s, until: until, after: unknown}
	if known {
		p.after = planned
	}
	for _, l := range lives {
		p.life(l)
	}
	if until.Before(s.to) && len(lives) > 0 {
		p.Lives = append(p.Lives, drawing{Title: "and so on", Y: laneTop, Bars: []bar{{Class: "more", X: s.x(until), W: 100 - s.x(until)}}})
	}
	p.Height = laneTop + laneHeight*max(1, len(p.lanes))
	return p.timeline
}

// life draws one key, in a lane that is free.
func (p *pen) life(l rotation.Life) {
	begins, ends := earliest(l.Published, l.Signs), l.Removed
	if ends.IsZero() {
		ends = p.until
	}
	gone := begins.IsZero()
	if gone { // it was live when the one before it was removed; what was before that is not on record
		begins, p.removed = p.removed, ends
		if begins.IsZero() {
			begins = ends.Add(-p.span(fading))
		}
	}
	if ends.Before(p.from) || begins.After(p.to) {
		return
	}
	d := drawing{Title: say.Life(l, p.now), Y: p.lane(begins, ends)}
	switch {
	case gone:
		d.Bars = p.part("gone", begins, ends)
	case l.Signs.IsZero():
		d.Bars = p.part("next", begins, ends)
	default:
		d.Bars, ends = p.phases(l, begins, ends)
	}
	if !l.Removed.IsZero() && p.shows(l.Removed) {
		d.End = &mark{Kind: "end", X: p.x(ends)}
		if l.Revoked {
			d.End.Kind = "revoked"
		}
	}
	p.Lives = append(p.Lives, d)
}

// phases draws a key that signs, or did, or will, and tells where its drawing ends. A part that is too short to be seen
// is drawn wider: next to the left, previous to the right.
func (p *pen) phases(l rotation.Life, begins, ends time.Time) ([]bar, time.Time) {
	var next, previous []bar
	if begins.Before(l.Signs) {
		next = p.part("next", earliest(begins, l.Signs.Add(-p.span(leastBar))), l.Signs)
	}
	replaced := earliest(l.Replaced, ends)
	if replaced.Before(ends) {
		ends = latest(ends, replaced.Add(p.span(leastBar)))
		previous = p.part("previous", replaced, ends)
	}
	current := p.part("current", l.Signs, replaced)
	for i, b := range current {
		if !l.Future && b.W >= leastName && !strings.HasSuffix(b.Class, unknown) {
			current[i].Name = say.Kid(l.Kid)
			break
		}
	}
	return slices.Concat(next, current, previous), ends
}

// part draws what a key does in some time, cut in two by now.
func (p *pen) part(class string, from, to time.Time) (bars []bar) {
	add := func(class string, from, to time.Time) {
		if x := p.x(from); p.x(to) > x {
			bars = append(bars, bar{Class: class, X: x, W: p.x(to) - x})
		}
	}
	add(class, from, earliest(to, p.now))
	add(class+" "+p.after, latest(from, p.now), to)
	return bars
}

// lane finds the first lane that is free from a time on, takes it, and tells where it begins.
func (p *pen) lane(from, to time.Time) int {
	i := slices.IndexFunc(p.lanes, func(end time.Time) bool { return !end.After(from) })
	if i < 0 {
		i = len(p.lanes)
		p.lanes = append(p.lanes, to)
	}
	p.lanes[i] = to.Add(p.span(leastBar))
	return laneTop + laneHeight*i
}

// span is how long so many per cent of the drawing are.
func (p *pen) span(share float64) time.Duration {
	return time.Duration(float64(p.to.Sub(p.from)) * share / 100)
}

// due marks when the schedule wants another key to sign.
func (t *timeline) due(s scale, at time.Time) {
	if !s.shows(at) {
		return
	}
	t.Due = &mark{Kind: "due", X: s.x(at), Title: "the schedule wants a new key to sign at " + say.When(s.now, at)}
	if at.Before(s.now) {
		t.Due.Kind = "late"
	}
}

// earliest is the earlier of two times, of those that are known.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
