package kubernetes

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
)

// rotate never lists Secrets: it makes no call, and says what a person may do.
func TestListIsRefusedByDesign(t *testing.T) {
	f, v := fakeServer()
	s := v.open(t, Config{}, "admin")
	before := len(f.Calls())
	_, err := s.List(t.Context())
	if !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), "kubectl get secrets -n "+s.Namespace+" -l app.kubernetes.io/managed-by=rotate") {
		t.Error(err)
	}
	if len(f.Calls()) != before {
		t.Error("it made a call")
	}
}
