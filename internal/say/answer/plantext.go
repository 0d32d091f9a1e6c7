package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// How much of a plan one page shows.
const (
	pageSteps = 50 // of so many each has a line
	soonSteps = 20 // of more than that: these, and then sums
)

// Text is a plan for people: each step has a line, if a page holds them or full is wanted. Else the page has the first
// ones, and sums of the rest.
func (p Plan) Text(full bool) string {
	var b strings.Builder
	steps := p.appointments()
	switch {
	case len(steps) == 0 && len(p.troubled(PlanHalted, PlanUnreachable, PlanUnclear, PlanIncomplete)) < len(p.Keys):
		fmt.Fprintf(&b, "nothing is to be done from %s to %s\n", say.Stamp(p.From), say.Stamp(p.Until))
	case full || len(steps) <= pageSteps:
		list(&b, steps)
	default:
		count := say.Plural(len(steps), "step")
		if p.Cut() != "" {
			count = "more than " + count
		}
		fmt.Fprintf(&b, "%s until %s: %s. The first %d:\n\n", say.Plural(len(p.Keys), "key"), p.Until.UTC().Format(time.DateOnly), count, soonSteps)
		list(&b, steps[:soonSteps])
		b.WriteString("\n")
		if whole := p.whole(steps); len(whole) > 0 {
			p.sums(&b, whole)
			b.WriteString("\n")
		}
		b.WriteString("--full lists every step; -o json and -o ics have them, too\n")
	}
	for _, line := range p.gaps() {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// list writes a line for each step.
func list(b *strings.Builder, steps []appointment) {
	wide := 0
	for _, s := range steps {
		wide = max(wide, len(s.key))
	}
	for _, s := range steps {
		fmt.Fprintf(b, "%s  %-*s  %-7s  %s\n", s.At.UTC().Format("Mon 2006-01-02 15:04:05 UTC"), wide, s.key, s.Do, s.text())
	}
}

// A period is a day, a week, a month or a year of a plan.
type period struct {
	name      string
	rotations int
	keys      map[string]bool
	days      map[string]int // rotations on each day
}

// whole is the steps of keys that the plan does not cut short: sums of others would be wrong.
func (p Plan) whole(steps []appointment) []appointment {
	return slices.DeleteFunc(slices.Clone(steps), func(s appointment) bool { return p.of(s.key).More })
}

// sums writes how many keys begin to sign in each period, and on which day most of them do.
func (p Plan) sums(b *strings.Builder, steps []appointment) {
	name := periods(p.Until.Sub(p.From))
	var all []*period
	for _, s := range steps {
		if s.Step.Do != rotation.Promote {
			continue
		}
		at := name(s.At.UTC())
		if len(all) == 0 || all[len(all)-1].name != at {
			all = append(all, &period{name: at, keys: map[string]bool{}, days: map[string]int{}})
		}
		last := all[len(all)-1]
		last.rotations++
		last.keys[s.key] = true
		last.days[s.At.UTC().Format(time.DateOnly)]++
	}
	fmt.Fprintf(b, "%-13s  %9s  %6s  %s\n", "", "rotations", "keys", "busiest day")
	for _, x := range all {
		day, n := busiest(x.days)
		fmt.Fprintf(b, "%-13s  %9d  %6d  %s: %d\n", x.name, x.rotations, len(x.keys), day, n)
	}
}

// periods names the period of a time, such that a plan has about a dozen.
func periods(length time.Duration) func(time.Time) string {
	const day = 24 * time.Hour
	switch {
	case length <= 14*day:
		return func(t time.Time) string { return t.Format(time.DateOnly) }
	case length <= 91*day:
		return func(t time.Time) string {
			monday := t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
			return "week of " + monday.Format("Jan 2")
		}
	case length <= 400*day:
		return func(t time.Time) string { return t.Format("2006-01") }
	}
	return func(t time.Time) string { return t.Format("2006") }
}

// busiest is the first of the days with most.
func busiest(days map[string]int) (day string, most int) {
	for d, n := range days {
		if n > most || n == most && d < day {
			day, most = d, n
		}
	}
	return day, most
}

// gaps says of which keys the plan lacks something, and in a word why. Standard error has the whole story.
func (p Plan) gaps() (lines []string) {
	for _, g := range []struct {
		kind TroubleKind
		says string
	}{
		{PlanHalted, "no calendar: halted"},
		{PlanUnreachable, "no calendar: the store is unreachable"},
		{PlanUnclear, "no calendar yet: nobody can tell what the store holds"},
		{PlanIncomplete, "incomplete calendar: it ends early"},
	} {
		if names := p.troubled(g.kind); len(names) > 0 {
			lines = append(lines, say.Names(names)+": "+g.says)
		}
	}
	return lines
}

// troubled is the keys with trouble of some kinds.
func (p Plan) troubled(kinds ...TroubleKind) (names []string) {
	for _, k := range p.Keys {
		if slices.Contains(kinds, k.Trouble) {
			names = append(names, k.Key)
		}
	}
	return names
}

// Cut says of which keys the plan goes on after what it has; "" if of none.
func (p Plan) Cut() string {
	var names []string
	for _, k := range p.Keys {
		if k.More {
			names = append(names, k.Key)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: the plan has the first %d steps and ends there; --days 1 asks for one day only", say.Names(names), len(p.of(names[0]).Steps))
}

func (p Plan) of(name string) KeyPlan {
	return p.Keys[slices.IndexFunc(p.Keys, func(k KeyPlan) bool { return k.Key == name })]
}
