package say

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// How much one answer shows of many keys.
const (
	manyKeys  = 300 // more have no line each, unless the view is full
	shownKeys = 50  // of more than that: those that need attention, then those that change soonest, if no order is wanted
	wide      = 120 // columns of a terminal that has room for stores and dates
)

// lines writes one line a key, and below them, once for all keys that have it, each reason to look.
func lines(b *strings.Builder, r status.Report, v View) {
	shown, rest := listed(r, v)
	b.WriteString("\n")
	keyTable(shown, r.At, v).write(b, v.palette().dim)
	if rest > 0 {
		fmt.Fprintf(b, "\n%s more; --full, a pattern (rotate status 'auth-*') or -o json shows them\n", Plural(rest, "key"))
	}
	remarks(b, "ATTENTION", keyStatus.attention, r, v)
	remarks(b, "warning", keyStatus.warnings, r, v)
}

// listed is the keys that get a line, and how many do not.
func listed(r status.Report, v View) (shown []status.Key, rest int) {
	if v.Full || len(r.Keys) <= manyKeys {
		return r.Keys, 0
	}
	if v.Sorted {
		return r.Keys[:shownKeys], len(r.Keys) - shownKeys
	}
	soon := r.Sorted(status.ByNext).Keys
	for _, first := range []bool{true, false} {
		for _, k := range soon {
			if k.Alarmed() == first {
				shown = append(shown, k)
			}
		}
	}
	return shown[:shownKeys], len(shown) - shownKeys
}

// keyTable is the lines of some keys: what has room.
func keyTable(keys []status.Key, now time.Time, v View) table {
	dated := v.Width == 0 || v.Width >= wide
	p := v.palette()
	t := table{{name: "  KEY"}, {name: "STATE"}, {name: "SIGNS"}, {name: "AGE"}, {name: "STORE"}, {name: "WHEN"}, {name: "NEXT STEP"}}
	for _, key := range keys {
		k := keyStatus{Key: key, now: now}
		name := cell{text: "  " + key.Key}
		if key.Alarmed() {
			name = cell{"! " + key.Key, p.attention}
		}
		signs, age := k.signs()
		for i, c := range []cell{name, {string(key.State), p.state(key)}, {text: signs}, {text: age}, {text: key.Store}, {text: k.when(dated)}, {text: k.brief()}} {
			t[i].cells = append(t[i].cells, c)
		}
	}
	if !dated {
		t = t.without("STORE")
	}
	return t.fit(v.Width, "STORE", "AGE", "SIGNS")
}

// signs is the key that signs, in so many characters as tell it from others, and how old it is.
func (k keyStatus) signs() (kid, age string) {
	if k.Current == nil {
		return "-", "-"
	}
	kid = k.Current.Kid
	return Clean(kid[:min(len(kid), tellingKid)]), about(time.Duration(k.Current.AgeSeconds) * time.Second)
}

const tellingKid = 8

// about is a duration in its largest unit: a table has no room for more, and nobody compares minutes of days.
func about(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return rotation.Duration(d.Round(time.Second)).String()
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 72*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// steps is what is done to a key, in a few words.
var steps = map[rotation.Action]string{
	rotation.Create:      "make the first key",
	rotation.Rename:      "give the keyset its new name",
	rotation.Publish:     "publish the next key",
	rotation.MarkReady:   "confirm the next key",
	rotation.Promote:     "the next key signs",
	rotation.MarkSettled: "confirm the current key",
	rotation.Retire:      "remove the previous key",
	rotation.Bury:        "erase the key everywhere",
	rotation.Halt:        "a person has to look",
}

// awaited is the step at the end of a wait.
var awaited = map[rotation.Code]rotation.Action{
	rotation.PublishedThen: rotation.Publish, rotation.SignsThen: rotation.Promote, rotation.RemovedThen: rotation.Retire,
	rotation.EndsThen: rotation.Bury,
}

// brief is the next step of a key, in a few words.
func (k keyStatus) brief() string {
	switch t := k.Then; {
	case k.State == status.Halted:
		return steps[rotation.Halt]
	case k.State == status.Missing:
		return steps[rotation.Create]
	case k.State == status.Unreachable:
		return "read the store again"
	case t == nil:
		return "ask again"
	case t.Do != string(rotation.Wait):
		return cmp.Or(steps[rotation.Action(t.Do)], t.Do)
	case awaited[t.Code] != "":
		return steps[awaited[t.Code]]
	case t.Reason.IsZero():
		return "-"
	}
	return Why(k.Then.Reason, From(k.now))
}

// when is when the next step is taken, or since when it is late.
func (k keyStatus) when(dated bool) string {
	date := func(t time.Time) string {
		if dated {
			return t.UTC().Format("2006-01-02 15:04") + ", "
		}
		return ""
	}
	for _, r := range k.Alarms {
		if r.Code == rotation.Overdue {
			return date(r.At) + about(k.now.Sub(r.At)) + " late"
		}
	}
	switch t := k.Then; {
	case k.State == status.Missing:
		return "now"
	case k.State == status.Halted, k.State == status.Unreachable, t == nil, t.At == nil && t.Do == string(rotation.Wait):
		return "-"
	case t.At == nil, t.Do != string(rotation.Wait), !t.At.After(k.now):
		return "now"
	default:
		return date(*t.At) + "in " + about(t.At.Sub(k.now))
	}
}
