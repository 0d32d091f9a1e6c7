package config

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
)

// checkPace refuses schedules with which a store cannot keep up: rotate keeps to a part
// of a service's quota for all keys of a store together, so their writes would wait
// longer and longer.
func (r *resolver) checkPace() {
	need, keys := map[string]float64{}, map[string]int{} // calls a minute, by store
	for _, k := range r.config.Keys {
		mean := k.Policy.Mean(reference)
		if k.Policy.Schedule == nil || mean <= 0 {
			continue
		}
		need[k.Store] += rotation.WritesARotation / mean.Minutes()
		keys[k.Store]++
		for _, o := range k.Outputs {
			if o.Store != "" {
				need[o.Store] += rotation.WritesAnOutput / mean.Minutes()
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(need)) {
		paced, ok := r.config.Stores[name].Config.(providers.Paced)
		if !ok || paced.WritesAMinute() == 0 || need[name] <= float64(paced.WritesAMinute()) {
			continue
		}
		r.Fail(r.SetAt(strictyaml.Join("stores", name)), "rotate less often, or give some keys a store in another project, account or vault",
			"its %s rotated so often that a store of the type %s cannot keep up: %.0f writes a minute are needed, of %d that rotate may make there",
			counted(keys[name]), r.config.Stores[name].Type, math.Ceil(need[name]), paced.WritesAMinute())
	}
}

func counted(keys int) string {
	if keys == 1 {
		return "key is"
	}
	return fmt.Sprintf("%d keys are", keys)
}
