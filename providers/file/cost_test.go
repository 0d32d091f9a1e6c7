//go:build unix

package file

import (
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/bench/cost"
)

// What a key costs in calls: a row of `make bench`.
func TestCost(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { cost.Of(t, open(t, dir), nil) })
}
