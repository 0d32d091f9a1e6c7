package azurekv

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Each case runs in a bubble, for a write waits. Calls take their time, so that
// who only reads lets it pass, too.
func TestContract(t *testing.T) {
	h := harness(func(testing.TB) *store {
		f := azurefake.New()
		f.Latency(400 * time.Millisecond)
		return onFake(f, Config{})
	})
	for _, c := range providertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.Run(t, h) })
		})
	}
}
