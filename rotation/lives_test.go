package rotation_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// TestLives holds the dates of every key of a keyset against what was done to it, and what a forecast says against what
// Plan would do.
func TestLives(t *testing.T) {
	must := must(t)
	p := rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 2 * day, Propagation: 2 * hour}
	due, retired := t0.Add(90*day), 2*day+rotation.Skew
	created := must(keyset.Create("k", "e", "l", newKey(0), t0))
	published := must(created.Publish(newKey(1), due.Add(-p.Lead())))
	promoted := must(must(published.MarkReady(due.Add(-p.Lead()), nil)).Promote(due))
	settled := must(promoted.MarkSettled(due, nil, p.Grace))
	third := must(settled.Publish(newKey(2), due.Add(hour)))
	gone := must(settled.Retire("k0", due.Add(retired)))
	fresh := newKey(3)
	revoked := must(promoted.Revoke([]string{"k1"}, &fresh, due.Add(hour)))

	k0 := rotation.Life{Kid: "k0", Published: t0, Signs: t0}
	replaced := rotation.Life{Kid: "k0", Published: t0, Signs: t0, Replaced: due}
	removed := replaced
	removed.Removed = due.Add(retired)
	k1 := rotation.Life{Kid: "k1", Published: due.Add(-p.Lead()), Signs: due}
	for _, c := range []struct {
		what string
		set  *keyset.Set
		want []rotation.Life
	}{
		{"none", nil, nil},
		{"one", created, []rotation.Life{k0}},
		{"a next key", published, []rotation.Life{k0, {Kid: "k1", Published: due.Add(-p.Lead())}}},
		{"no grace has begun", promoted, []rotation.Life{replaced, k1}},
		{"a grace", settled, []rotation.Life{removed, k1}},
		{"next, current and previous", third, []rotation.Life{removed, k1, {Kid: "k2", Published: due.Add(hour)}}},
		{"of a removed key the end is on record", gone, []rotation.Life{{Kid: "k0", Removed: due.Add(retired)}, k1}},
		{"a key between them was revoked", revoked, []rotation.Life{
			{Kid: "k1", Removed: due.Add(hour), Revoked: true},
			{Kid: "k0", Published: t0, Signs: t0, Replaced: due.Add(hour)},
			{Kid: "k3", Published: due.Add(hour), Signs: due.Add(hour)},
		}},
	} {
		if got := (rotation.Outlook{Policy: p, Set: c.set}).Lives(nil); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n%+v\nwant\n%+v", c.what, got, c.want)
		}
	}
}

func TestLivesToCome(t *testing.T) {
	p := rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 2 * day, Propagation: 2 * hour}
	retired := 2*day + rotation.Skew
	life := func(kid string, published, signs time.Time, future bool) rotation.Life {
		replaced := signs.Add(90 * day)
		return rotation.Life{Kid: kid, Published: published, Signs: signs, Replaced: replaced, Removed: replaced.Add(retired), Future: future}
	}
	for _, c := range []struct {
		what string
		set  *keyset.Set
		want []rotation.Life
	}{
		{"made first", nil, []rotation.Life{
			life("", t0, t0, true),
			life("future-2", t0.Add(90*day-p.Lead()), t0.Add(90*day), true),
			{Kid: "future-6", Published: t0.Add(180*day - p.Lead()), Signs: t0.Add(180 * day), Future: true},
		}},
		{"there", must(t)(keyset.Create("k", "e", "l", newKey(0), t0)), []rotation.Life{
			life("k0", t0, t0, false),
			{Kid: "future-2", Published: t0.Add(90*day - p.Lead()), Signs: t0.Add(90 * day), Future: true},
			{Published: t0.Add(180*day - p.Lead()), Future: true},
		}},
	} {
		until := t0.Add(180*day - hour)
		if c.set == nil {
			until = t0.Add(183 * day)
		}
		steps, err := rotation.Forecast(p, rotation.Facts{Set: c.set, Clock: rotation.Clock{Wall: t0}}, until)
		if err != nil {
			t.Fatal(err)
		}
		got := rotation.Outlook{Policy: p, Set: c.set}.Lives(steps)
		for i := range got {
			if got[i].Future && got[i].Kid != "" { // how it is made up is nobody's business
				got[i].Kid = c.want[min(i, len(c.want)-1)].Kid
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n%+v\nwant\n%+v", c.what, got, c.want)
		}
	}
}
