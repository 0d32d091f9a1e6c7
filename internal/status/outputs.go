package status

import (
	"slices"
	"strings"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// outputs adds the places beside the store, as they were seen, and those that
// only the document tells of.
func (k *Key) outputs(f Facts, set *keyset.Set) {
	var unknown []string
	names := map[string]bool{}
	formats := map[string]string{}
	for _, o := range f.Target.Outputs {
		names[o.Name], formats[o.Name] = true, o.Format
	}
	for _, seen := range f.Result.Outputs {
		o := Output{Output: seen.Name, Format: formats[seen.Name], Generation: seen.Generation, Code: seen.Behind.Code, Reason: seen.Behind}
		if o.Code != "" && o.Generation > 0 && o.Generation < set.Generation {
			o.Generations = set.Generation - o.Generation
		}
		if look := f.outlook(); o.Code != "" && (o.Generations > 0 || look.Unseen()) {
			o.Since = some(look.Changed())
		}
		k.Outputs = append(k.Outputs, o)
		if seen.ReadUnknown {
			unknown = append(unknown, seen.Name)
		}
	}
	if len(unknown) > 0 {
		k.warn(rotation.Reason{Code: rotation.ReadersUnknown, Output: strings.Join(unknown, ", ")})
	}
	for _, o := range set.Outputs {
		if !names[o.Name] && !slices.Contains(k.LeftBehind, o.Name) {
			k.LeftBehind = append(k.LeftBehind, o.Name)
		}
	}
	if len(k.LeftBehind) > 0 {
		k.warn(rotation.Reason{Code: rotation.LeftBehind, Output: strings.Join(k.LeftBehind, ", ")})
	}
}
