package rotation

import "time"

// A Window is when a key may begin to sign without being asked to: each day, or some days of the week, from one time of
// day to another, by the clocks of a zone. The zero Window is always open.
type Window struct {
	Days     [7]bool        // the days on which it opens, by time.Weekday
	From, To time.Duration  // times of day in whole minutes, up to 24h. To is outside; at or before From it is of the next day
	Zone     *time.Location // nil of the zero Window alone
}

// Open tells whether the window is open at t.
func (w Window) Open(t time.Time) bool {
	if w.Zone == nil {
		return true
	}
	t = t.In(w.Zone)
	today, before := w.Days[t.Weekday()], w.Days[(t.Weekday()+6)%7]
	clock := ofDay(t)
	if w.From < w.To {
		return today && w.From <= clock && clock < w.To
	}
	return today && w.From <= clock || before && clock < w.To
}

// Next is the first time from t on at which the window is open; zero if it never opens. An opening in the hour that a
// zone skips in spring is as much later as the clocks go forward. In the hour that comes twice in autumn a window
// opens once or twice; either is an opening.
func (w Window) Next(t time.Time) time.Time {
	const enough = 16 // days: today, and two weeks, as a zone may skip all of a weekly window in the first
	for range enough {
		if w.Open(t) {
			return t
		}
		local := t.In(w.Zone)
		at := w.opening(local, 0)
		if !at.After(t) {
			at = w.opening(local, 1)
		}
		t = at
	}
	return time.Time{}
}

// opening is when the window would open some days after that of t. Where the zone skips the time that is wanted,
// time.Date goes on from it or back, as it likes: west of UTC, from a midnight to the day before. Back is made good.
func (w Window) opening(t time.Time, days int) time.Time {
	year, month, day := t.Date()
	date := func(zone *time.Location) time.Time {
		return time.Date(year, month, day+days, 0, 0, int(w.From/time.Second), 0, zone)
	}
	at := date(w.Zone)
	_, offset := at.Zone()
	shown := at.Add(time.Duration(offset) * time.Second) // in UTC it reads as the clocks of the zone do at that time
	if missing := date(time.UTC).Sub(shown); missing > 0 {
		at = at.Add(missing)
	}
	return at.UTC()
}

// ofDay is what the clock shows at t, in t's own zone.
func ofDay(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// opens is when the window is open from t on. Keys that wait for one opening are spread over it as they are over a
// firing. A window that never opens moves nothing: a key that is overdue is told, and one that is never due is not.
func (p Policy) opens(t time.Time) time.Time {
	at := p.Window.Next(t)
	if at.IsZero() {
		return t
	}
	if spread := at.Add(p.Jitter); !at.Equal(t) && p.Window.Open(spread) {
		return spread
	}
	return at
}

// A WindowFit is how the firings of a schedule meet a window, each with the jitter.
type WindowFit struct{ Inside, Outside int }

// CheckWindow holds the schedule's firings of five years after from against the window. What is counted from stored
// times meets any window that opens, and is not counted here.
func (p Policy) CheckWindow(from time.Time) (fit WindowFit) {
	const years, most = 5, 50_000 // an hourly schedule has 43,800
	if _, anchored := p.Schedule.(Every); anchored || p.Window.Zone == nil {
		return fit
	}
	end := from.AddDate(years, 0, 0)
	for t := p.Schedule.Next(from.UTC()); !t.IsZero() && t.Before(end) && fit.Inside+fit.Outside < most; t = p.Schedule.Next(t) {
		if p.Window.Open(t.Add(p.Jitter)) {
			fit.Inside++
		} else {
			fit.Outside++
		}
	}
	return fit
}
