package answer_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	parser "github.com/emersion/go-ical"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var update = flag.Bool("update", false, "write the golden texts anew")

const day = 24 * time.Hour

var (
	start  = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	policy = rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 48 * time.Hour, Propagation: 2 * time.Hour}
)

// calendar is what ops has of a key.
func calendar(t *testing.T, name string, p rotation.Policy, set *keyset.Set, now, until time.Time) ops.Outcome[ops.Calendar] {
	t.Helper()
	steps, err := rotation.Forecast(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: now}}, until)
	if err != nil {
		t.Fatal(err)
	}
	c := ops.Calendar{Steps: steps}
	if set != nil {
		c.Generation = set.Generation
	}
	return ops.Outcome[ops.Calendar]{Key: key(name), Got: c}
}

func key(name string) *fleet.Key {
	return &fleet.Key{Target: engine.Target{Name: name, Environment: "test", StoreName: "disk", Secret: "test-" + name}}
}

func created(t *testing.T, at time.Time) *keyset.Set {
	t.Helper()
	set, err := keyset.Create("k", "test", "l", fresh(t, "first-key"), at)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func fresh(t *testing.T, kid string) keyset.Key {
	t.Helper()
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat("k", 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// compare holds a text against a file of testdata, or writes it with -update.
func compare(t *testing.T, name, got string) {
	t.Helper()
	golden := "testdata/" + name
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./internal/say/answer -update, and read the difference:\n%s", golden, got)
	}
}

// fleetPlan is the plan of so many keys, some of them with trouble, for so many days. The least one rotates every so many.
func fleetPlan(t *testing.T, keys, every, days int) answer.Plan {
	until := start.AddDate(0, 0, days)
	var all []ops.Outcome[ops.Calendar]
	for i := range keys {
		p := policy
		p.Schedule = rotation.Every(time.Duration(every+i%70) * day)
		c := calendar(t, fmt.Sprintf("key-%03d", i), p, created(t, start.Add(-time.Duration(i)*time.Hour)), start, until)
		switch {
		case i%29 == 0:
			c.Got, c.Err = ops.Calendar{}, ops.Halted(c.Key, rotation.Reason{Code: rotation.Spoilt, Cause: "edited by hand"})
		case i%31 == 0:
			c.Got, c.Err = ops.Calendar{}, &engine.Error{Key: c.Key.Name, Store: "disk", Err: errors.New("no such host")}
		case i == 7:
			c.Got.Cut = true
		}
		all = append(all, c)
	}
	return answer.PlanOf(all, start, until)
}

// The plan of 200 keys is a page, however long a time it is of, and tells nothing twice.
func TestPlanIsAPage(t *testing.T) {
	for _, c := range []struct{ keys, every, days int }{{40, 2, 14}, {200, 20, 60}, {200, 20, 365}, {10, 20, 1000}} {
		p := fleetPlan(t, c.keys, c.every, c.days)
		text := p.Text(false)
		if n := strings.Count(text, "\n"); n > 45 {
			t.Errorf("%+v: %d lines", c, n)
		}
		if strings.Contains(text, "edited by hand") {
			t.Error("the trouble of a key is told here, too")
		}
		steps := 0
		for _, k := range p.Keys {
			steps += len(k.Steps)
		}
		if n := strings.Count(p.Text(true), " UTC  key-"); n != steps || n <= 50 {
			t.Errorf("%+v: the full plan has %d steps of %d", c, n, steps)
		}
		compare(t, fmt.Sprintf("plan-%d.txt", c.days), text)
	}
}

func TestPlanTexts(t *testing.T) {
	until := start.AddDate(0, 0, 100)
	one := calendar(t, "k", policy, created(t, start), start, until)
	none := calendar(t, "none", rotation.Policy{Schedule: rotation.Every(200 * day), Grace: day}, created(t, start), start, until)
	missing := calendar(t, "new", policy, nil, start, start.AddDate(0, 0, 1))
	asked, err := created(t, start).Record(keyset.UnnamedRequest("first-key", "someone"), start)
	if err != nil {
		t.Fatal(err)
	}
	wanted := calendar(t, "wanted", policy, asked, start, start.AddDate(0, 0, 1))
	halted := ops.Outcome[ops.Calendar]{Key: key("bad"), Err: ops.Halted(key("bad"), rotation.Reason{Code: rotation.Spoilt})}
	unclear := ops.Outcome[ops.Calendar]{Key: key("odd"), Err: &ops.UnclearError{}}
	ends := ops.Outcome[ops.Calendar]{Key: key("end"), Err: errors.New("it ends")}
	for want, all := range map[string][]ops.Outcome[ops.Calendar]{
		"Wed 2026-04-01 06:50:00 UTC  k  publish  the next key is published\n" +
			"Wed 2026-04-01 09:00:00 UTC  k  promote  the next key begins to sign\n" +
			"Fri 2026-04-03 09:05:00 UTC  k  retire   kid first-key is removed\n": {one},
		"nothing is to be done from 2026-01-01 09:00:00 UTC to 2026-04-11 09:00:00 UTC\n": {none},
		"Thu 2026-01-01 09:00:00 UTC  new  create   the first key is made, and signs\n":   {missing},
		"Thu 2026-01-01 09:00:00 UTC  wanted  publish  the next key is published: asked for by someone\n" +
			"Thu 2026-01-01 11:05:00 UTC  wanted  promote  the next key begins to sign: asked for by someone\n": {wanted},
		"bad: no calendar: halted\n": {halted},
		"bad: no calendar: halted\nodd: no calendar yet: nobody can tell what the store holds\nend: incomplete calendar: it ends early\n": {halted, unclear, ends},
	} {
		if got := answer.PlanOf(all, start, until).Text(false); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
	if got := fleetPlan(t, 8, 20, 365).Cut(); got != "key-007: the plan has the first 39 steps and ends there; --days 1 asks for one day only" {
		t.Error(got)
	}
	if got := answer.PlanOf(nil, start, until).Cut(); got != "" {
		t.Error(got)
	}
}

// events is the calendar of a plan, as another's parser reads it.
func events(t *testing.T, p answer.Plan) (all []parser.Event) {
	t.Helper()
	var b strings.Builder
	if err := p.ICS(&b); err != nil {
		t.Fatal(err)
	}
	c, err := parser.NewDecoder(strings.NewReader(b.String())).Decode()
	if err != nil {
		t.Fatal(err)
	}
	return c.Events()
}

func textOf(t *testing.T, e parser.Event, prop string) string {
	t.Helper()
	s, err := e.Props.Text(prop)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An event keeps its UID while what is before it happens, so subscribers see one event and not two.
func TestCalendarUIDsAreStable(t *testing.T) {
	until := start.AddDate(0, 0, 365)
	set := created(t, start)
	plan := func(name string, set *keyset.Set, now time.Time) (uids []string) {
		for _, e := range events(t, answer.PlanOf([]ops.Outcome[ops.Calendar]{calendar(t, name, policy, set, now, until)}, now, until)) {
			uids = append(uids, textOf(t, e, "UID"))
		}
		return uids
	}
	before := plan("k", set, start)
	if len(before) < 10 || len(slices.Compact(slices.Sorted(slices.Values(before)))) != len(before) {
		t.Fatalf("UIDs %q", before)
	}
	due := policy.Due(start)
	published, err := set.Publish(fresh(t, "second-key"), due.Add(-policy.Lead()))
	if err != nil {
		t.Fatal(err)
	}
	if after := plan("k", published, due.Add(-policy.Lead())); !slices.Equal(after, before[1:]) {
		t.Errorf("after a step:\n%q, want\n%q", after, before[1:])
	}
	if after := plan("k", set, start.Add(time.Hour)); !slices.Equal(after, before) {
		t.Errorf("after an hour:\n%q, want\n%q", after, before)
	}
	for _, uid := range plan("other", set, start) {
		if slices.Contains(before, uid) {
			t.Errorf("two keys share %s", uid)
		}
	}
}

// Only the event at which another key signs reminds, a week before. A key of which nobody can tell is in the calendar.
func TestCalendar(t *testing.T) {
	until := start.AddDate(0, 0, 100)
	bad := ops.Outcome[ops.Calendar]{Key: key("bad"), Err: ops.Halted(key("bad"), rotation.Reason{Code: rotation.Spoilt, Cause: "edited"})}
	all := events(t, answer.PlanOf([]ops.Outcome[ops.Calendar]{bad, calendar(t, "k", policy, created(t, start), start, until)}, start, until))
	want := []struct{ summary, at, alarm string }{
		{"bad: halted, the calendar lacks what comes", "20260101", ""},
		{"k: the next key is published", "20260401T065000Z", ""},
		{"k: the next key begins to sign", "20260401T090000Z", "-P7D"},
		{"k: kid first-key is removed", "20260403T090500Z", ""},
	}
	if len(all) != len(want) {
		t.Fatalf("%d events", len(all))
	}
	for i, e := range all {
		alarm := ""
		for _, a := range e.Children {
			alarm += a.Props.Get("TRIGGER").Value
		}
		if got := textOf(t, e, "SUMMARY"); got != want[i].summary || e.Props.Get("DTSTART").Value != want[i].at || alarm != want[i].alarm {
			t.Errorf("%s at %s, alarm %q; want %+v", got, e.Props.Get("DTSTART").Value, alarm, want[i])
		}
	}
	if text := textOf(t, all[0], "DESCRIPTION"); !strings.Contains(text, "edited") || !strings.Contains(text, "rotate status bad") {
		t.Error(text)
	}
}

// TestPlanForm keeps the form that scripts rely on: members may come, none may go.
func TestPlanForm(t *testing.T) {
	p := fleetPlan(t, 32, 20, 60)
	p.Keys = slices.DeleteFunc(p.Keys, func(k answer.KeyPlan) bool { return k.Key != "key-000" && k.Key != "key-007" && k.Key != "key-031" })
	doc, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "plan.json", string(doc)+"\n")
}
