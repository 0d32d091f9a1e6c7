package awssm

import (
	"fmt"
	"testing"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/providers"
)

// An account may have more secrets than a page, and most of them are not rotate's. A
// secret that waits for its deletion is left out.
func TestListIsOfTheWholeAccount(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	for i := range 120 {
		f.Edit(fmt.Sprintf("theirs/%03d", i), func(*awsfake.Secret) {})
	}
	n := providers.Note{Lineage: "lineage", Generation: 7, Digest: "sha-256:x"}
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("v")), "", n)
	must(t, err)
	f.Edit("theirs/000", func(s *awsfake.Secret) { s.Deleted = s.Created })
	all, err := s.List(t.Context())
	must(t, err)
	ours := 0
	for _, found := range all {
		if found.Note != (providers.Note{}) {
			ours++
			if found.Name != name || found.Note != n || found.Created.IsZero() || found.Written.IsZero() {
				t.Errorf("%+v", found)
			}
		}
	}
	if len(all) != 120 || ours != 1 {
		t.Errorf("%d names, %d of them ours", len(all), ours)
	}
	for _, c := range f.Calls() {
		if c.Kind == "GetSecretValue" {
			t.Error("a listing reads values")
		}
	}
}

func TestListWithoutTheRight(t *testing.T) {
	f := awsfake.New()
	f.On(func(fakes.Call) *fakes.Fault {
		return &fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized to perform: secretsmanager:ListSecrets"}}
	})
	_, err := onFake(f, Config{}).List(t.Context())
	fails(t, err, providers.ErrDenied, "secretsmanager:ListSecrets")
}
