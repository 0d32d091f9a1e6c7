package page

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// TestLinkIsRead: a link to a query is read as that query.
func TestLinkIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := query{
			State: rapid.SampledFrom(append(states(), "")).Draw(t, "state"),
			Sort:  rapid.SampledFrom(status.Orders()).Draw(t, "sort"),
			Text:  rapid.StringMatching(`[ -~é]{0,30}`).Draw(t, "text"),
			Days:  rapid.SampledFrom(windows).Draw(t, "days"),
			Page:  rapid.IntRange(1, 1_000_000).Draw(t, "page"),
			Watch: rapid.Bool().Draw(t, "watch"),
		}
		got, err := parse(strings.TrimPrefix(q.Link(), "?"))
		if err != nil || got != q {
			t.Fatalf("%s is read as %+v, %v; it is %+v", q.Link(), got, err, q)
		}
		if _, err := url.Parse(q.Link()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDrawingsFit: whatever the dates, a timeline stays within its edges, what is past is not drawn as planned, and two
// keys never share a lane at one time.
func TestDrawingsFit(t *testing.T) {
	now := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		s := newScale(now, rapid.SampledFrom(windows).Draw(t, "days"))
		at := now.Add(-time.Duration(rapid.IntRange(0, 400*24).Draw(t, "age")) * time.Hour)
		after := func(most int, name string) time.Time {
			at = at.Add(time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Hour)
			return at
		}
		var lives []rotation.Life
		for i := range rapid.IntRange(0, 6).Draw(t, "keys") {
			l := rotation.Life{Kid: "k", Published: after(24, "published"), Signs: after(24, "signs")}
			if i > 0 {
				lives[i-1].Replaced = l.Signs
				lives[i-1].Removed = l.Signs.Add(time.Duration(rapid.IntRange(0, 99).Draw(t, "grace")) * time.Hour)
			}
			lives = append(lives, l)
			after(200*24, "period")
		}
		fits(t, s, draw(s, lives, s.to, rapid.Bool().Draw(t, "known")))
	})
}

func fits(t *rapid.T, s scale, line timeline) {
	ends := map[int]percent{}
	for _, d := range line.Lives {
		if d.Y < 0 || d.Y+laneHeight > line.Height {
			t.Fatalf("a lane at %d of %d", d.Y, line.Height)
		}
		for i, b := range d.Bars {
			if b.X < 0 || b.W <= 0 || b.X+b.W > 100.01 {
				t.Fatalf("from %s, %s wide", b.X, b.W)
			}
			if comes := strings.Contains(b.Class, " "); comes && b.X < s.x(s.now)-0.01 || !comes && b.X+b.W > s.x(s.now)+0.01 {
				t.Fatalf("%s from %s, %s wide", b.Class, b.X, b.W)
			}
			if i == 0 && b.X < ends[d.Y]-leastBar-0.01 { // a short next is drawn wider, to the left
				t.Fatalf("%s begins at %s in a lane that is taken until %s", b.Class, b.X, ends[d.Y])
			}
			ends[d.Y] = max(ends[d.Y], b.X+b.W)
		}
	}
}

// TestAxis: the dates of a page fit beside each other, and none stands upon the word now.
func TestAxis(t *testing.T) {
	for day := range 366 {
		now := time.Date(2026, 1, 1+day, 7, 30, 0, 0, time.UTC)
		for _, days := range windows {
			ticks := newScale(now, days).axis()
			if len(ticks) < 8 || len(ticks) > 15 {
				t.Errorf("%s, %d days: %d ticks", now, days, len(ticks))
			}
			for i, tick := range ticks {
				if i > 0 && tick.X-ticks[i-1].X < 6 {
					t.Errorf("%s, %d days: %v and %v", now, days, ticks[i-1], tick)
				}
				if tick.Text != "" && tick.X > 46 && tick.X < 54 {
					t.Errorf("%s, %d days: %v stands upon now", now, days, tick)
				}
			}
		}
	}
}

// TestStrip counts each listed key once on each side of now.
func TestStrip(t *testing.T) {
	now := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	s := newScale(now, 180)
	day := 24 * time.Hour
	key := func(name string, signs, due time.Duration) *status.Key {
		return &status.Key{Key: name, Current: &status.Live{Signs: new(now.Add(signs))}, Due: new(now.Add(due))}
	}
	strip := newStrip(s, []*status.Key{
		key("a", -80*day, 10*day), key("b", -80*day, 3*day), key("c", -100*day, -10*day), key("far", -300*day, 300*day), {Key: "unknown"},
	})
	got := map[string]percent{}
	for _, c := range strip.Columns {
		got[c.Class] += c.H
		if c.Y < 0 || c.Y+c.H > 100 || (c.Class == "planned") != (c.X >= 50) {
			t.Errorf("%+v", c)
		}
	}
	if strip.Most != "2 keys" || strip.Next != "b in 3d" || got["past"] != 150 || got["late"] != 50 || got["planned"] != 100 {
		t.Errorf("%+v: %v", strip, got)
	}
}
