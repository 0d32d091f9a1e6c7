package vaultkv

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// Names lie in folders. Only those below the store's path are listed, and rotate's own
// policy does not allow even that.
func TestListIsOfTheStoresPath(t *testing.T) {
	f, v := fakeServer(t)
	c := v.config(t)
	s := v.open(t, c)
	for _, n := range []string{"b", "team/a/deep", "team/b", "a"} {
		_, err := s.Write(t.Context(), n, providers.NewSecret([]byte("v")), "", providers.Note{})
		must(t, err)
	}
	elsewhere := v.open(t, v.config(t))
	_, err := elsewhere.Write(t.Context(), "other", providers.NewSecret([]byte("v")), "", providers.Note{})
	must(t, err)
	all, err := s.List(t.Context())
	must(t, err)
	var names []string
	for _, found := range all {
		names = append(names, found.Name)
	}
	if want := []string{"a", "b", "team/a/deep", "team/b"}; !slices.Equal(names, want) {
		t.Errorf("it lists %v, want %v", names, want)
	}
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("limited"), 0o600))
	f.Tokens["limited"] = &vaultfake.Token{Until: time.Now().Add(time.Hour), TTL: time.Hour, Capabilities: policy(c.Path + "/")}
	c.Auth.TokenFile = file
	if _, err := v.open(t, c).List(t.Context()); !errors.Is(err, providers.ErrDenied) {
		t.Error(err)
	}
}
