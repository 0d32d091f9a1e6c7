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
		compare(t, "timeline-"+name+".txt", got)
	}
}

// compare holds a text against a file of testdata, or writes it with -update.
func compare(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", name)
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
