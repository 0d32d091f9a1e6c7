package rotation_test

import (
	"testing"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func BenchmarkPlan(b *testing.B) {
	p := rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 48 * hour, Propagation: 2 * hour}
	facts := rotation.Facts{Clock: rotation.Clock{Wall: t0}}
	set, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		b.Fatal(err)
	}
	facts.Set = set
	for b.Loop() {
		rotation.Plan(p, facts)
	}
}
