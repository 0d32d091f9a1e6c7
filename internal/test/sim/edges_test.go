package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// beyond plays twenty worlds with four rotations asked for by hand in each, and
// tells how often tokens were refused, and for how long at worst.
func beyond(t *testing.T, change func(*Script)) (line string, refused int) {
	t.Helper()
	rotations, alarms, worst := 0, 0, time.Duration(0)
	early, late, other := 0, 0, 0
	for seed := range uint64(20) {
		s := quiet(Incident{Kind: Now, At: 3 * day}, Incident{Kind: Now, At: 7*day + 5*hour}, Incident{Kind: Now, At: 11 * day}, Incident{Kind: Now, At: 15*day + 7*hour})
		s.Seed, s.Beyond = seed, true
		change(s)
		o := bubble(t).play(s, false)
		rotations += o.Rotations
		worst = max(worst, o.worst)
		early += o.broken[2]
		late += o.broken[3]
		for promise, n := range o.broken {
			if promise != 2 && promise != 3 {
				other += n
			}
		}
		for _, d := range o.w.daemons {
			if d.alarm != "" {
				alarms++
			}
		}
	}
	line = fmt.Sprintf("%d rotations, broken %d times too early, %d times too short, %d otherwise; tokens refused for up to %s; %d rotators with an alarm at the end",
		rotations, early, late, other, rotation.Duration(worst), alarms)
	return line, early + late
}

// perBar is how many refusals a bar of the chart stands for.
const perBar = 20

// Beyond the declared bounds, what breaks and by how much: the table in
// docs/how-it-is-tested.md. Within them nothing does.
func TestEdges(t *testing.T) {
	if os.Getenv("ROTATE_EDGES") == "" {
		t.Skip("twenty worlds for each line: run `make edges`")
	}
	var table, chart strings.Builder
	row := func(what string, within bool, change func(*Script)) {
		line, refused := beyond(t, change)
		fmt.Fprintf(&table, "| %s | %s |\n", what, line)
		fmt.Fprintf(&chart, "%-45s %5d %s\n", what, refused, strings.Repeat("█", (refused+perBar-1)/perBar))
		if within && refused > 0 {
			t.Errorf("%s: %s", what, line)
		}
	}
	for _, percent := range []int{100, 110, 150, 200, 400} {
		row(fmt.Sprintf("caches of %d %% of P", percent), percent == 100, func(s *Script) {
			for i := range s.Readers {
				s.Readers[i].Cache = s.Propagation * time.Duration(percent) / 100
			}
		})
	}
	for _, percent := range []int{100, 110, 150} {
		row(fmt.Sprintf("tokens of %d %% of what the grace allows", percent), percent == 100, func(s *Script) {
			for i := range s.Readers {
				s.Readers[i].TTL = s.Readers[i].TTL * time.Duration(percent) / 100 * 2 // the grace is 48 h here, not 24
				s.Readers[i].TTL = min(s.Readers[i].TTL, (46*hour-5*time.Minute)*time.Duration(percent)/100)
			}
		})
	}
	for _, shape := range []Shape{Swap, File} {
		for _, minutes := range []int{4, 10, 60, 180} {
			row(fmt.Sprintf("one of three clocks %d min ahead, %s", minutes, shape), shape == Swap, func(s *Script) {
				s.Shape = shape
				s.Offsets = []int{0, 0, minutes * 60}
			})
		}
	}
	t.Logf("\n%s\npromises 2 and 3 broken, a bar for %d:\n\n%s", table.String(), perBar, chart.String())
}
