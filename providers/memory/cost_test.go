package memory_test

import (
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/bench/cost"
	"github.com/keyrotate/rotate/providers/memory"
)

// What a key costs in calls: a row of `make bench`.
func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { cost.Of(t, memory.New(), nil) })
}
