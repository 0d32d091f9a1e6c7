package vaultkv

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/bench/cost"
)

// What a key costs in calls: a row of `make bench`.
func TestCost(t *testing.T) {
	t.Setenv("VAULT_SECRET_ID", "") // see oneLife
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		must(t, l.start(t.Context()))
		cost.Of(t, l.target.Store, func() []string { return slices.Clone(l.f.Calls) })
	})
}
