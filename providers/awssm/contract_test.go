package awssm

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestContract(t *testing.T) {
	h := harness(func(testing.TB) *store { return onFake(awsfake.New(), Config{}) })
	h.Wait = func(testing.TB, time.Duration) {} // this fake is not stale; see TestLifeOnStaleReads
	for _, c := range append(providertest.Cases(), documented(h)...) {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, h) })
	}
}
