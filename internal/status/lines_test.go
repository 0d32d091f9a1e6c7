package status_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// fleet is keys at points of their life, looked at in the same moment, with names of many lengths.
func fleet(t *testing.T) (keys []status.Key) {
	names := []string{"auth-jwt", "billing", "a-name-of-middling-length", "mobile", "session", "partner", "reports", "zz"}
	now := start.Add(100 * 24 * time.Hour)
	for i, f := range moments(t) {
		k := status.Of(f)
		shift(&k, now.Sub(f.Now))
		k.Key = names[i]
		keys = append(keys, k)
	}
	keys[1].Outputs = []status.Output{{Output: "/srv/.env", Format: "env", Code: rotation.OutputOld}}
	keys[1].Alarms = []rotation.Reason{{Code: rotation.OutputOld, Output: "/srv/.env", Have: 1, Want: 2}}
	for _, name := range []string{"new-1", "new-2"} {
		k := status.Of(facts(now, nil))
		k.Key = name
		keys = append(keys, k)
	}
	for i, name := range []string{"far-1", "far-2", "far-3", "far-4", "far-5", "far-6", "far-7"} {
		keys = append(keys, status.Key{Key: name, State: status.Unreachable, Store: "vault", Alarms: []rotation.Reason{
			{Code: rotation.StoreFailure("unavailable"), Kid: fmt.Sprint(i), Cause: "no route to host", Hint: "is it up?"},
		}})
	}
	for _, name := range []string{"lost-1", "lost-2", "lost-3", "lost-4"} {
		keys = append(keys, status.Key{Key: name, State: status.Halted, Store: "m", Secret: "test-" + name, Alarms: []rotation.Reason{{Code: rotation.Spoilt, Cause: name + " was cut"}}})
	}
	return keys
}

// shift moves the dates that a line shows.
func shift(k *status.Key, by time.Duration) {
	if k.Then != nil && k.Then.At != nil {
		k.Then.At = new(k.Then.At.Add(by))
	}
	for i := range k.Alarms {
		if !k.Alarms[i].At.IsZero() {
			k.Alarms[i].At = k.Alarms[i].At.Add(by)
		}
	}
}

// TestLines holds what many keys look like against what a person has looked at.
func TestLines(t *testing.T) {
	report := status.New(start.Add(100*24*time.Hour), fleet(t))
	for name, view := range map[string]say.View{"80": {Width: 80}, "200": {Width: 200}, "50": {Width: 50}, "pipe": {}, "colour": {Width: 80, Colour: true}} {
		var b strings.Builder
		if err := say.Status(&b, report, view); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); view.Width >= 80 && !view.Colour && n > view.Width {
				t.Errorf("%s: a line of %d: %s", name, n, line)
			}
		}
		compare(t, "lines-"+name+".txt", b.String())
	}
}

// Three keys are shown in full, four have a line each; whoever asks has the other.
func TestFewKeys(t *testing.T) {
	one := status.Of(moments(t)[0])
	for _, c := range []struct {
		n    int
		view say.View
		long bool
	}{{1, say.View{}, true}, {3, say.View{}, true}, {4, say.View{}, false}, {4, say.View{Long: true}, true}, {400, say.View{Full: true}, false}} {
		var b strings.Builder
		if err := say.Status(&b, status.New(start, slices.Repeat([]status.Key{one}, c.n)), c.view); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		long, lines := strings.Count(got, "\nk  healthy  test, generation 1\n"), strings.Count(got, "\n  k    healthy  a      0s")
		if c.long && (long != c.n || lines > 0) || !c.long && (long > 0 || lines != c.n) {
			t.Errorf("%d keys, %+v: %d in full, %d lines:\n%s", c.n, c.view, long, lines, got)
		}
		if n := strings.Count(got, "remains"); c.long && n != 1 {
			t.Errorf("%d keys: what remains of a store's is said %d times", c.n, n)
		}
	}
}

// TestSorted holds each order against a report in which it differs from the others.
func TestSorted(t *testing.T) {
	at := func(d time.Duration) *status.Step { return &status.Step{Do: "wait", At: new(start.Add(d))} }
	live := func(age int64) *status.Live { return &status.Live{AgeSeconds: age} }
	woe := []rotation.Reason{{Code: rotation.NoRoom}}
	r := status.New(start, []status.Key{
		{Key: "a", State: status.Healthy, Current: live(1), Then: at(3 * time.Hour)},
		{Key: "b", State: status.Rotating, Current: live(3), Then: at(2 * time.Hour)},
		{Key: "c", State: status.Overdue, Current: live(2), Then: &status.Step{Do: "publish"}, Alarms: woe},
		{Key: "d", State: status.Halted, Alarms: woe},
	})
	for o, want := range map[status.Order]string{
		status.ByAttention: "cdab", status.ByName: "abcd", status.ByState: "dcba", status.ByAge: "bcad", status.ByNext: "cbad",
	} {
		got := ""
		for _, k := range r.Sorted(o).Keys {
			got += k.Key
		}
		if got != want {
			t.Errorf("%s: %s, want %s", o, got, want)
		}
	}
	if n := len(status.Orders()); n != 5 {
		t.Errorf("%d orders are offered", n)
	}
}

// Ten thousand keys are counted. Those that need a person have a line, as far as a person reads, then those that change
// soonest; the reason stands once.
func TestManyKeys(t *testing.T) {
	var keys []status.Key
	one := status.Of(moments(t)[0])
	for i := range 10_000 {
		k := one
		k.Key = fmt.Sprintf("key-%05d", i)
		k.Then = &status.Step{Do: "wait", Code: rotation.PublishedThen, At: new(start.Add(time.Duration(20_000-i) * time.Hour))}
		if i%400 == 0 {
			k.State, k.Alarms = status.Halted, []rotation.Reason{{Code: rotation.Spoilt, Cause: "edited by hand"}}
		}
		keys = append(keys, k)
	}
	write := func(v say.View) string {
		var b strings.Builder
		if err := say.Status(&b, status.New(start, keys), v); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	short := write(say.View{})
	for text, n := range map[string]int{
		"edited by hand": 1, "\n! key-": 25, "\n  key-": 25, "\n  key-09999  healthy": 1,
		"10000 keys: 25 halted, 9975 healthy": 1, "\n9950 keys more; --full, a pattern": 1, "key-02000 and 19 more: store m: what is stored": 1,
	} {
		if got := strings.Count(short, text); got != n {
			t.Errorf("%q is there %d times, want %d", text, got, n)
		}
	}
	if first := write(say.View{Sorted: true}); strings.Count(first, "\n  key-") != 25 || !strings.Contains(first, "\n! key-00000  halted") || !strings.Contains(first, "\n  key-00025") {
		t.Errorf("in an order that was asked for:\n%s", first)
	}
	if n := strings.Count(write(say.View{Full: true}), " key-"); n < 10_000 {
		t.Errorf("the full view has %d keys", n)
	}
}
