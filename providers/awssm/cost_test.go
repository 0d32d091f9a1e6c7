package awssm

import (
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/bench/cost"
)

// What a key costs in calls: a row of `make bench`.
func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		cost.Of(t, l.target.Store, func() (calls []string) {
			for _, c := range l.fake.Calls() {
				calls = append(calls, c.Action)
			}
			return calls
		})
	})
}
