package status_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// moments are keys at points of their life.
func moments(t *testing.T) []status.Facts {
	ok := must(t)
	due := policy.Due(start)
	created := ok(keyset.Create("k", "test", "l", newKey(t, "a"), start))
	published := ok(created.Publish(newKey(t, "b"), due.Add(-policy.Lead())))
	ready := ok(published.MarkReady(due.Add(-policy.Lead()), nil))
	promoted := ok(ready.Promote(due))
	settled := ok(promoted.MarkSettled(due.Add(time.Minute), nil, policy.Grace))
	again := ok(settled.Publish(newKey(t, "c"), due.Add(20*time.Hour)))
	halted := facts(start, nil)
	halted.Result.Step.Do, halted.Result.Step.Why = "halt", rotation.Reason{Code: rotation.Spoilt, Cause: "edited by hand"}
	return []status.Facts{
		facts(start, created), facts(start.Add(30*24*time.Hour), created), facts(due.Add(-time.Hour), ready),
		facts(due.Add(time.Minute), promoted), facts(due.Add(24*time.Hour), settled), facts(due.Add(21*time.Hour), again),
		facts(due.Add(24*time.Hour), created), halted,
	}
}

// TestTimeline holds what a terminal shows against what a person has looked at.
func TestTimeline(t *testing.T) {
	for _, view := range []say.View{{Width: 80}, {Width: 120}, {Width: 56}, {Width: 40}, {Width: 100, Colour: true}} {
		name := fmt.Sprintf("%d", view.Width)
		if view.Colour {
			name += "-colour"
		}
		var all strings.Builder
		for _, f := range moments(t) {
			if err := say.Status(&all, status.New(f.Now, []status.Key{status.Of(f)}), view); err != nil {
				t.Fatal(err)
			}
			all.WriteString("\n")
		}
		got := all.String()
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); !view.Colour && view.Width >= 50 && n > view.Width {
				t.Errorf("%s: a line of %d: %s", name, n, line)
			}
		}
		if !view.Colour && strings.Contains(got, "\x1b") {
			t.Errorf("%s: colours", name)
		}
		golden := filepath.Join("testdata", "timeline-"+name+".txt")
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
			t.Errorf("%s differs; go test ./internal/status -update, and read the difference:\n%s", golden, got)
		}
	}
}

// Ten thousand keys are counted; those that need a person are shown, as far as a
// person reads.
func TestManyKeys(t *testing.T) {
	var keys []status.Key
	one := status.Of(moments(t)[0])
	for i := range 10_000 {
		k := one
		k.Key = fmt.Sprintf("key-%05d", i)
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
	if n := strings.Count(short, "edited by hand"); n != 20 {
		t.Errorf("%d keys that need attention are shown", n)
	}
	for _, want := range []string{"10000 keys: 25 halted, 9975 healthy", "5 keys more need attention, 9975 keys need none; --full"} {
		if !strings.Contains(short, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(write(say.View{Full: true}), "generation 1\n"); n != 10_000 {
		t.Errorf("the full view has %d keys", n)
	}
}
