package page

import (
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
)

// A tick is a date below which a line is drawn.
type tick struct {
	X    percent
	Text string // "" where it would stand upon now
	Odd  bool   // left out where there is little room
}

// besideNow is the room that the word now takes on an axis, to each side.
const besideNow = 5

// axis is the dates of a scale: the first of each month, each Monday, or each day.
func (s scale) axis() (ticks []tick) {
	at := s.from.UTC().Truncate(24 * time.Hour)
	days := int(s.to.Sub(s.from).Hours() / 24)
	for at = at.AddDate(0, 0, 1); at.Before(s.to); at = at.AddDate(0, 0, 1) {
		text := at.Format("Jan 2")
		switch {
		case days > 100 && at.Day() != 1, days > 20 && days <= 100 && at.Weekday() != time.Monday:
			continue
		case days > 100 && at.Month() == time.January:
			text = at.Format("2006")
		case days > 100:
			text = at.Format("Jan")
		}
		if x := s.x(at); x > 50-besideNow && x < 50+besideNow {
			text = ""
		}
		ticks = append(ticks, tick{X: s.x(at), Text: text, Odd: len(ticks)%2 == 1})
	}
	return ticks
}

// A column is how many keys rotated last, or are due next, in a part of a scale.
type column struct {
	Class string // past, late or planned
	X, W  percent
	Y, H  percent
	Title string
}

// columns is how many parts a strip has: an even number, so that now lies between two.
const columns = 90

// A strip is all listed keys at once.
type strip struct {
	Columns []column
	Most    string // keys in the highest column
	Next    string // which key is due first
}

// newStrip counts when the keys that sign began to, and when their successors are due.
func newStrip(s scale, keys []*status.Key) strip {
	counts := map[string]*[columns]int{"past": {}, "late": {}, "planned": {}}
	count := func(kind string, at time.Time) {
		if s.shows(at) {
			counts[kind][min(columns-1, int(s.x(at)/100*columns))]++
		}
	}
	var first *status.Key
	for _, k := range keys {
		count("past", signs(k))
		switch at := due(k); {
		case at.IsZero():
		case at.Before(s.now):
			count("late", at)
		default:
			count("planned", at)
			if first == nil || at.Before(*first.Due) {
				first = k
			}
		}
	}
	t := stacked(s, counts)
	if first != nil {
		t.Next = say.Clean(first.Key) + " " + say.Distance(s.now, *first.Due)
	}
	return t
}

// stacked draws counts as columns, late above what is there.
func stacked(s scale, counts map[string]*[columns]int) (t strip) {
	most := 1
	for i := range columns {
		most = max(most, counts["past"][i]+counts["late"][i]+counts["planned"][i])
	}
	width := percent(100) / columns
	for i := range columns {
		below := percent(0)
		for _, kind := range []struct{ class, does string }{{"past", "rotated last"}, {"planned", "due next"}, {"late", "due, and not rotated"}} {
			n := counts[kind.class][i]
			if n == 0 {
				continue
			}
			from := s.from.Add(time.Duration(i) * s.to.Sub(s.from) / columns)
			height := 100 * percent(n) / percent(most)
			t.Columns = append(t.Columns, column{
				Class: kind.class, X: width * percent(i), W: width * 0.8, Y: 100 - below - height, H: height,
				Title: say.Plural(n, "key") + " " + kind.does + ", in the time from " + from.UTC().Format("2006-01-02"),
			})
			below += height
		}
	}
	t.Most = say.Plural(most, "key")
	return t
}
