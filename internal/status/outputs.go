package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// outputs adds the places beside the store, as they were seen, and those that
// only the document tells of.
func (k *Key) outputs(f Facts, set *keyset.Set) {
	names := map[string]bool{}
	formats := map[string]string{}
	for _, o := range f.Target.Outputs {
		names[o.Name], formats[o.Name] = true, o.Format
	}
	for _, seen := range f.Result.Outputs {
		o := Output{Output: seen.Name, Format: formats[seen.Name], Generation: seen.Generation, Behind: seen.Behind}
		if o.Behind != "" && o.Generation > 0 && o.Generation < set.Generation {
			o.Generations = set.Generation - o.Generation
		}
		if o.Behind != "" && (o.Generations > 0 || unseen(set)) {
			o.Since = some(changed(set))
		}
		k.Outputs = append(k.Outputs, o)
	}
	for _, o := range set.Outputs {
		if !names[o.Name] && !slices.Contains(k.LeftBehind, o.Name) {
			k.LeftBehind = append(k.LeftBehind, o.Name)
		}
	}
	if len(k.LeftBehind) > 0 {
		k.Warnings = append(k.Warnings, fmt.Sprintf("copies may be left where the config has no output any more: %s\nhint: rotate forget %s PLACE cleans one of them",
			strings.Join(k.LeftBehind, ", "), k.Key))
	}
}

// unseen reports whether the newest key was not seen in every place yet.
func unseen(set *keyset.Set) bool {
	if next, ok := set.Next(); ok {
		return set.Ready == nil || set.Ready.Kid != next.Kid
	}
	return len(set.Previous()) > 0 && (set.Settled == nil || set.Settled.Kid != set.Signing().Kid)
}

// changed is when the keys changed last.
func changed(set *keyset.Set) (last time.Time) {
	note := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, k := range set.Keys {
		note(k.Issued)
		note(k.NotBefore)
	}
	for _, g := range set.Gone {
		note(g.At)
	}
	return last
}

func (k Key) outputsText(b *strings.Builder, now time.Time) {
	for _, o := range k.Outputs {
		does := "up to date"
		if o.Generation > 0 {
			does += fmt.Sprintf(", generation %d", o.Generation)
		}
		if o.Behind != "" {
			does = "BEHIND"
			if o.Generations > 0 {
				does += " by " + ui.Plural(int(o.Generations), "generation") //nolint:gosec // a few
			}
			if o.Since != nil {
				does += ", since " + ui.When(now, *o.Since)
			}
			does += ": " + ui.Reason(now, o.Behind)
		}
		row(b, "output", fmt.Sprintf("%s (%s)  %s", o.Output, o.Format, does))
	}
	for _, name := range k.LeftBehind {
		row(b, "left", name)
	}
}
