package say

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyrotate/rotate/rotation"
)

// The widths of a timeline. Below the least one there is no room for bars, and
// the rows of the text say it all.
const (
	leastWidth = 50
	mostWidth  = 120
	margin     = 2 + 9 + 2 // of the rows below: indent, name, distance
)

// What bars are made of. A bar says what its key does at each time, past or to come: the line of now parts the two.
const (
	published = '┄' // readers learn it; it does not sign
	signing   = '━'
	verifying = '─' // another key signs
	nowLine   = '│'
	endMark   = '┤' // the grace ends
	dueMark   = '▼' // the schedule wants another key to sign
)

// A span is the time that a timeline shows.
type span struct {
	from, to time.Time
	columns  int
}

// column of a time; ok is false if it is not shown.
func (s span) column(t time.Time) (int, bool) {
	if t.Before(s.from) || t.After(s.to) {
		return 0, false
	}
	return int(int64(s.columns-1) * int64(t.Sub(s.from)/time.Second) / max(1, int64(s.to.Sub(s.from)/time.Second))), true
}

// clamped is the column of a time, or the edge that it lies beyond.
func (s span) clamped(t time.Time) int {
	switch {
	case t.Before(s.from):
		return 0
	case t.After(s.to):
		return s.columns - 1
	}
	c, _ := s.column(t)
	return c
}

// timeline draws the live keys as bars over time, the next above the current above the previous ones: what was, the line
// of now, and what is to come.
func (k keyStatus) timeline(now time.Time, v View) []string {
	if k.Current == nil || v.Width < leastWidth {
		return nil
	}
	p := v.palette()
	s := k.span(now, min(v.Width, mostWidth)-margin)
	lines := []string{s.axis(now, p)}
	add := func(name string, bar []rune, colour paint) {
		if c, shown := s.column(now); shown {
			bar[c] = nowLine
		}
		lines = append(lines, fmt.Sprintf("  %-9s  %s", name, colour(strings.TrimRight(string(bar), " "))))
	}
	successor := s.to // when another key signs
	if l := k.Next; l != nil {
		signs := s.to.Add(s.to.Sub(s.from)) // nobody knows yet: beyond the edge
		if l.Signs != nil {
			signs, successor = *l.Signs, *l.Signs
		}
		add("next", s.bar(l.Issued, signs, s.to, s.to), p.next)
	}
	add("current", k.currentBar(s, now, successor), p.current)
	successor = *k.Current.Signs
	for _, l := range k.Previous {
		ends := s.to
		if l.Expires != nil {
			ends = *l.Expires
		}
		bar := s.bar(*l.Signs, *l.Signs, successor, ends)
		if l.Expires != nil {
			bar[s.clamped(ends)] = endMark
		}
		add("previous", bar, p.previous)
		successor = *l.Signs
	}
	return append(lines, k.legend(s, now))
}

// currentBar is the bar of the key that signs, until it is due.
func (k keyStatus) currentBar(s span, now, successor time.Time) []rune {
	ends := s.to
	if k.Due != nil {
		ends = latest(*k.Due, now)
	}
	bar := s.bar(*k.Current.Signs, *k.Current.Signs, earliest(successor, ends), ends)
	if k.Due != nil {
		if c, shown := s.column(*k.Due); shown {
			bar[c] = dueMark
		}
	}
	return bar
}

// span is from the oldest live key's first signature, but not so far back that
// what is to come has no room, to a little after what comes last.
func (k keyStatus) span(now time.Time, columns int) span {
	from, to := *k.Current.Signs, now.Add(5*time.Second)
	for _, l := range k.Previous {
		from = earliest(from, *l.Signs)
		if l.Expires != nil {
			to = latest(to, *l.Expires)
		}
	}
	if k.Next != nil {
		from = earliest(from, k.Next.Issued)
		if k.Next.Signs != nil {
			to = latest(to, *k.Next.Signs)
		}
	} else if k.Due != nil && len(k.Previous) == 0 {
		to = latest(to, *k.Due)
	}
	if to.Sub(now) > 5*time.Second {
		from = latest(from, now.Add(-2*to.Sub(now))) // at most two thirds are past
	} else {
		to = latest(to, now.Add(now.Sub(from)/8)) // nothing is to come that has a date
	}
	from = earliest(from, now.Add(-time.Second))
	return span{from: from, to: to.Add(to.Sub(from) / 20), columns: columns}
}

// bar is the life of a key: published, then signing, then verifying.
func (s span) bar(begins, signs, stops, ends time.Time) []rune {
	row := []rune(strings.Repeat(" ", s.columns))
	for c := s.clamped(begins); c <= s.clamped(ends); c++ {
		switch {
		case c < s.clamped(signs) || signs.After(s.to):
			row[c] = published
		case c <= s.clamped(stops):
			row[c] = signing
		default:
			row[c] = verifying
		}
	}
	return row
}

// axis is the line with dates. Where two have no room, the later one stays.
func (s span) axis(now time.Time, p palette) string {
	row := []rune(strings.Repeat(" ", s.columns))
	put := func(c int, text string) {
		r := []rune(text)
		c = max(0, min(c, s.columns-len(r)))
		if slices.ContainsFunc(row[max(0, c-1):min(s.columns, c+len(r)+1)], func(r rune) bool { return r != ' ' }) {
			return
		}
		copy(row[c:], r)
	}
	here, _ := s.column(now)
	put(s.columns, s.stamp(s.to))
	put(here-1, "now")
	put(0, s.stamp(s.from))
	return fmt.Sprintf("  %-9s  %s", "", p.dim(strings.TrimRight(string(row), " ")))
}

// stamp is as exact as the span needs.
func (s span) stamp(t time.Time) string {
	switch d := s.to.Sub(s.from); {
	case d > 300*24*time.Hour:
		return t.UTC().Format("2006-01-02")
	case d > 4*24*time.Hour:
		return t.UTC().Format("Jan 2")
	case d > 4*time.Hour:
		return t.UTC().Format("Jan 2 15:04")
	}
	return t.UTC().Format("15:04:05")
}

// legend explains the marks that are there.
func (k keyStatus) legend(s span, now time.Time) string {
	var parts []string
	if k.Due != nil {
		left := rotation.Duration(k.Due.Sub(now).Abs()).String()
		_, shown := s.column(*k.Due)
		if k.Due.Before(now) {
			left = "due " + left + " ago"
		} else {
			left = "due in " + left
		}
		if shown {
			left = string(dueMark) + " " + left
		}
		parts = append(parts, left)
	}
	if len(k.Previous) > 0 && k.Previous[0].Expires != nil {
		parts = append(parts, string(endMark)+" grace ends")
	}
	parts = append(parts, string(signing)+" signs")
	if len(k.Previous) > 0 || k.Next != nil && k.Next.Signs != nil {
		parts = append(parts, string(verifying)+" verifies")
	}
	if k.Next != nil {
		parts = append(parts, string(published)+" published")
	}
	return fmt.Sprintf("  %-9s  %s", "", joined(parts, s.columns))
}

// joined is as many parts, side by side, as so many columns have room for.
func joined(parts []string, columns int) string {
	text := parts[0]
	for _, p := range parts[1:] {
		if more := text + "   " + p; utf8.RuneCountInString(more) <= columns {
			text = more
		}
	}
	return text
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
