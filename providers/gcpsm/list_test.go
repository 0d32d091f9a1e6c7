package gcpsm

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
)

// rotate's own role does not list. The error names the permission.
func TestListWithoutTheRight(t *testing.T) {
	_, err := onFake(t, gcpfake.New(), Config{}).List(t.Context())
	if !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), "allow rotate's service account secretmanager.secrets.list") {
		t.Error(err)
	}
}
