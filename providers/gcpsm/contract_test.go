package gcpsm

import (
	"testing"

	"github.com/keyrotate/rotate/providers/providertest"
)

func TestContract(t *testing.T) {
	providertest.Run(t, harness(func(t testing.TB) *store { return onFake(t, people(), Config{}) }))
}
