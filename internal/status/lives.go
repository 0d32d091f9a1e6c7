package status

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Lives is the live keys of a keyset as a report has them.
func Lives(now time.Time, look rotation.Outlook) (next, current *Live, previous []Live) {
	f := Facts{Now: now}
	f.Target.Policy, f.Result.Set = look.Policy, look.Set
	var k Key
	for _, key := range look.Set.Keys {
		k.add(live(f, look.Set, key))
	}
	return k.Next, k.Current, k.Previous
}
