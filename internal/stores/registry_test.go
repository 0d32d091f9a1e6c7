package stores

import (
	"context"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

type options struct{}

func (*options) Open(context.Context) (providers.Store, error) { return nil, nil }

type bare int

func (bare) Open(context.Context) (providers.Store, error) { return nil, nil }

// Every type that cannot be taken is named at once, and why.
func TestNewRegistry(t *testing.T) {
	fresh := func() providers.Config { return &options{} }
	if r, err := NewRegistry(providers.Type{Name: "a", New: fresh}, providers.Type{Name: "b2", New: fresh}); err != nil || len(r) != 2 {
		t.Error(r, err)
	}
	_, err := NewRegistry(
		providers.Type{Name: "a", New: fresh}, providers.Type{Name: "a", New: fresh}, providers.Type{Name: "Bad-Name", New: fresh},
		providers.Type{Name: "none"}, providers.Type{Name: "bare", New: func() providers.Config { return bare(0) }},
		providers.Type{Name: "zero", New: func() providers.Config { return (*options)(nil) }},
	)
	if err == nil {
		t.Fatal("all are taken")
	}
	for _, want := range []string{`"a" is registered twice`, `"Bad-Name": a name has`, `"none": New has to`, `"bare": New has to`, `"zero": New has to`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}
