package vaultkv

import (
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/bench/cost"
)

// What a key costs in calls: a row of `make bench`.
func TestCost(t *testing.T) {
	loggedIn(t)
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		must(t, l.Start())
		cost.Of(t, l.Target.Store, f.Kinds)
	})
}
