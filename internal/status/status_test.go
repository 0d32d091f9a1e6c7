package status_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var (
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy = rotation.Policy{Schedule: rotation.Every(90 * 24 * time.Hour), Grace: 48 * time.Hour, Propagation: 2 * time.Hour}
	late   = time.Hour + policy.Skew() // after this, work is overdue
)

func newKey(t *testing.T, kid string) keyset.Key {
	t.Helper()
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(kid, 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must(t *testing.T) func(*keyset.Set, error) *keyset.Set {
	return func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func facts(now time.Time, set *keyset.Set) status.Facts {
	return status.Facts{
		Now: now, Late: time.Hour,
		Target: engine.Target{Name: "k", Environment: "test", StoreName: "m", Secret: "test-k", Store: memory.New(), Policy: policy},
		Result: engine.Result{Set: set, Step: rotation.Plan(policy, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: now}})},
	}
}

// TestPaused: a pause is told with who set it, and makes nothing less late.
func TestPaused(t *testing.T) {
	ok := must(t)
	created := ok(keyset.Create("k", "test", "l", newKey(t, "a"), start))
	due := policy.Due(start)
	paused := ok(created.Pause(keyset.Pause{Until: due.Add(48 * time.Hour), By: "me", Reason: "a release"}, due.Add(-10*24*time.Hour)))
	for _, tt := range []struct {
		name  string
		now   time.Time
		state status.State
		told  bool
	}{
		{"before it is due", due.Add(-time.Hour), status.Healthy, true},
		{"due, and a daemon may still look", due.Add(late), status.Healthy, true},
		{"overdue in the pause", due.Add(late + time.Second), status.Overdue, true},
		{"over, and a daemon may still look", paused.Paused.Until.Add(late), status.Healthy, false},
		{"overdue after it", paused.Paused.Until.Add(late + time.Second), status.Overdue, false},
	} {
		k := say.Report(status.New(tt.now, []status.Key{status.Of(facts(tt.now, paused))})).Keys[0]
		if told := k.Paused != nil && k.Paused.By == "me" && k.Paused.Reason == "a release" && k.Paused.Until.Equal(due.Add(48*time.Hour)); k.State != tt.state || told != tt.told {
			t.Errorf("%s: %s, paused %+v", tt.name, k.State, k.Paused)
		}
		words := strings.Join(append(k.Warnings, k.Attention...), "\n")
		if held := strings.Contains(words, "a pause holds it back until"); held != (tt.told && tt.state == status.Overdue) || tt.told != strings.Contains(words, "set by me: a release") {
			t.Errorf("%s: %s", tt.name, words)
		}
	}
}

// TestOverdue holds each step that nobody takes against the moment from which
// it could have been taken: quiet until a daemon's next look, overdue after it.
func TestOverdue(t *testing.T) {
	ok := must(t)
	created := ok(keyset.Create("k", "test", "l", newKey(t, "a"), start))
	due := policy.Due(start)
	asked := ok(created.Record(keyset.UnnamedRequest("a", "me"), start.Add(time.Hour)))
	published := ok(created.Publish(newKey(t, "b"), due.Add(-policy.Lead())))
	ready := ok(published.MarkReady(due.Add(-policy.Lead()), nil))
	readyLate := ok(published.MarkReady(due.Add(time.Hour), nil))
	promoted := ok(ready.Promote(due))
	settled := ok(promoted.MarkSettled(due, nil, policy.Grace))
	for _, c := range []struct {
		step  rotation.Action
		set   *keyset.Set
		since time.Time
	}{
		{rotation.Publish, created, due.Add(-policy.Lead())},
		{rotation.Publish, asked, start.Add(time.Hour)},
		{rotation.MarkReady, published, due.Add(-policy.Lead())},
		{rotation.Promote, ready, due},
		{rotation.Promote, readyLate, due.Add(time.Hour + policy.Propagation + policy.Skew())},
		{rotation.MarkSettled, promoted, due},
		{rotation.Retire, settled, due.Add(policy.Grace + policy.Skew())},
	} {
		for _, at := range []struct {
			now     time.Time
			overdue bool
		}{{c.since.Add(late), false}, {c.since.Add(late + time.Second), true}} {
			f := facts(at.now, c.set)
			if f.Result.Step.Do != c.step {
				t.Fatalf("the step is %s, want %s", f.Result.Step.Do, c.step)
			}
			k := status.Of(f)
			if got := k.State == status.Overdue; got != at.overdue || got != k.Alarmed() {
				t.Errorf("%s, %s after it could be taken: %s, %+v", c.step, at.now.Sub(c.since), k.State, k.Alarms)
			}
		}
	}
}

func TestStates(t *testing.T) {
	ok := must(t)
	created := ok(keyset.Create("k", "test", "l", newKey(t, "a"), start))
	alarm := facts(start, created)
	alarm.Result.Step.Alarms = []rotation.Reason{{Code: rotation.OutputSilent, Output: "o", Cause: "silence"}}
	failed := facts(start, nil)
	failed.Err = &engine.Error{Key: "k", Store: "m", Err: &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("no route"), Hint: "dig"}}
	halted := facts(start, nil)
	halted.Result.Step = rotation.Step{Do: rotation.Halt, Why: rotation.Reason{Code: rotation.OtherLineage}}
	history := facts(start, created)
	history.HistoryErr = errors.New("denied")
	old := facts(start, created)
	old.History = make([]providers.Revision, 3)
	closed := facts(start, nil)
	closed.Err, closed.Target.Store = errors.New("not open"), unopened{}
	for _, c := range []struct {
		facts     status.Facts
		state     status.State
		attention string
		text      string
	}{
		{facts(start, nil), status.Missing, "there is no keyset yet", "hint: rotate now k"},
		{facts(start, created), status.Healthy, "", "current    a (HS256)  signs since 2026-01-01 00:00:00 UTC (now)"},
		{alarm, status.Healthy, "an output is behind", "ATTENTION  an output is behind"},
		{failed, status.Unreachable, "no route", "             hint: dig"},
		{halted, status.Halted, "another lineage", "k  halted"},
		{history, status.Healthy, "", "could not be listed: denied"},
		{closed, status.Unreachable, "not open", "deleted    keys: nobody can tell while the store cannot be opened"},
		{old, status.Healthy, "", "2 old revisions still readable"},
	} {
		r := say.Report(status.New(c.facts.Now, []status.Key{status.Of(c.facts)}))
		k := r.Keys[0]
		var text strings.Builder
		if err := say.Status(&text, r, say.View{}); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(k.Attention, "\n")
		if k.State != c.state || r.Attention != (c.attention != "") || !strings.Contains(all, c.attention) || !strings.Contains(text.String(), c.text) {
			t.Errorf("%s, want %s and %q:\n%s", k.State, c.state, c.text, text.String())
		}
	}
}

// unopened is a store of which nothing is known yet.
type unopened struct{ providers.Store }

func (unopened) Traits() providers.Traits { return providers.Traits{} }

// TestOrder puts what needs attention first.
func TestOrder(t *testing.T) {
	r := status.New(start, []status.Key{{Key: "b"}, {Key: "a"}, {Key: "z", Alarms: []rotation.Reason{{Code: rotation.NoRoom}}}})
	var names []string
	for _, k := range r.Keys {
		names = append(names, k.Key)
	}
	if want := []string{"z", "a", "b"}; !reflect.DeepEqual(names, want) || !r.Attention {
		t.Error(names, r.Attention)
	}
}

// TestStable keeps the form that scripts rely on: members may come, none may go.
func TestStable(t *testing.T) {
	var r status.Report
	fill(reflect.ValueOf(&r).Elem())
	doc, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range strings.Fields(`schema at attention keys key environment state warnings store secret
		location revision lineage generation next current previous due pending then erasure attention_codes warning_codes code kid algorithm adopted
		issued age_seconds seen signs expires grace_seconds removed by do why how remains readable gone revoked outputs output format generations left_behind`) {
		if !bytes.Contains(doc, []byte(`"`+member+`":`)) {
			t.Errorf("%q is gone from %s", member, status.Schema)
		}
	}
}

// fill sets everything to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(start))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	}
}

// Where nothing tells whether readers have read an output, that is said, and is no alarm.
func TestReadersUnknown(t *testing.T) {
	f := facts(start, must(t)(keyset.Create("k", "test", "l", newKey(t, "a"), start)))
	f.Result.Outputs = []rotation.Output{{Name: "one"}, {Name: "two", ReadUnknown: true}, {Name: "three", ReadUnknown: true}}
	k := status.Of(f)
	if len(k.Notices) != 1 || k.Notices[0].Code != rotation.ReadersUnknown || k.Notices[0].Output != "two, three" || k.Alarmed() {
		t.Errorf("%+v, alarms %v", k.Notices, k.Alarms)
	}
}
