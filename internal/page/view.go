package page

import (
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// A choice is a link to another view of the same page.
type choice struct {
	Text, Class string
	Link        string
	Count       int
	Chosen      bool
}

// A row is one key.
type row struct {
	Name    string
	State   status.State
	Alarmed bool
	Next    string      // what comes next, and when
	Woes    []say.Words // why a person should look
	Notes   []say.Words // what is less than it should be
	Facts   []say.Fact
	timeline
	Label string // the timeline, for who does not see it
}

// Quiet tells whether the state alone would say that all is well with a key that needs attention. As in the summary of
// `rotate status`, it is not told then.
func (r row) Quiet() bool {
	return r.Alarmed && (r.State == status.Healthy || r.State == status.Rotating)
}

// A view is all that the page shows.
type view struct {
	Environment, At, Summary string
	Attention                int // how many keys need a person

	Query query
	scale
	Axis  []tick
	Strip strip

	States, Windows, Sorts []choice
	Watch                  choice

	Keys, Listed      int // of the config, and those that the query lists
	First, Last       int // of the list, those that are shown
	Earlier, Later    *choice
	PageNumber, Pages int
	Rows              []row
}

// newView answers a query.
func newView(now time.Time, all []*status.Key, key func(string) (live.Key, bool), q query) *view {
	found := named(all, q.Text)
	list := listed(found, q)
	shown, page, pages := cut(list, q.Page)
	q.Page = page
	v := &view{
		At: say.Stamp(now), Attention: count(all, attention), Summary: say.Needing(count(all, attention), len(all)),
		Query: q, scale: newScale(now, q.Days), Keys: len(all), Listed: len(list), PageNumber: page, Pages: pages,
		First: (page-1)*perPage + min(1, len(shown)), Last: (page-1)*perPage + len(shown),
	}
	v.Axis, v.Strip = v.axis(), newStrip(v.scale, list)
	if len(all) > 0 {
		v.Environment = say.Clean(all[0].Environment) // a config has one
	}
	for _, k := range shown {
		if k, ok := key(k.Key); ok { // no reload has taken it away meanwhile
			v.Rows = append(v.Rows, newRow(v.scale, &k))
		}
	}
	v.choices(found)
	return v
}

// choices links to the other views.
func (v *view) choices(found []*status.Key) {
	q := v.Query
	v.States = append(v.States, choice{"all", "all", q.only("").Link(), len(found), q.State == ""})
	for _, s := range states() {
		if n := count(found, s); n > 0 || q.State == s {
			v.States = append(v.States, choice{s, s, q.only(s).Link(), n, q.State == s})
		}
	}
	for _, days := range windows {
		v.Windows = append(v.Windows, choice{Text: say.Plural(days, "day"), Link: q.reach(days).Link(), Chosen: q.Days == days})
	}
	for _, o := range orders {
		v.Sorts = append(v.Sorts, choice{Text: o.text, Link: q.sorted(o.order).Link(), Chosen: q.Sort == o.order})
	}
	v.Watch = choice{Text: "reload each minute", Link: q.watched(!q.Watch).Link(), Chosen: q.Watch}
	if v.PageNumber > 1 {
		v.Earlier = &choice{Link: q.at(v.PageNumber - 1).Link()}
	}
	if v.PageNumber < v.Pages {
		v.Later = &choice{Link: q.at(v.PageNumber + 1).Link()}
	}
}

// newRow shows one key.
func newRow(s scale, k *live.Key) row {
	key := k.Status()
	r := row{
		Name: say.Clean(key.Key), State: key.State, Alarmed: key.Alarmed(), Next: say.Next(key, s.now),
		Woes: say.Attention(key, s.now), Notes: say.Warnings(key, s.now), Facts: say.Facts(key, s.now),
	}
	until := told(s, k)
	lives, err := k.Lives(until)
	if err != nil {
		r.Facts = append(r.Facts, say.Fact{Name: "planned", Text: say.Clean(err.Error())})
	}
	r.timeline = draw(s, lives, until, err == nil)
	if due := k.Due(); !due.IsZero() {
		r.due(s, due)
	}
	r.Label = label(s.now, lives)
	return r
}

// told is until when what comes of a key is drawn: a schedule of hours would fill the page.
func told(s scale, k *live.Key) time.Time {
	due := k.Due()
	if due.IsZero() {
		return s.to
	}
	after := k.Facts.Target.Policy.Due(due)
	if after.IsZero() {
		return s.to
	}
	return earliest(latest(due, s.now).Add(mostRotations*after.Sub(due)), s.to)
}

// label says the lives of the keys that exist.
func label(now time.Time, lives []rotation.Life) string {
	var parts []string
	for _, l := range lives {
		if !l.Future && !l.Published.IsZero() {
			parts = append(parts, say.Life(l, now))
		}
	}
	if len(parts) == 0 {
		return "Timeline: no key is known"
	}
	return "Timeline: " + strings.Join(parts, "; ")
}
