//go:build unix

package file

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// Of what lies in the directory only files are listed that the store would read. What
// lies beside them tells whose they are.
func TestListOfADirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := Config{Dir: dir}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := providers.Note{Lineage: "lineage", Generation: 3, Digest: "sha-256:x"}
	for _, name := range []string{"team/b", "a"} {
		if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("v")), "", n); err != nil {
			t.Fatal(err)
		}
	}
	out, err := Config{Dir: dir}.OpenOutput(t.Context(), providers.Rendering{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(t.Context(), "out", providers.NewSecret([]byte("v")), "", n); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bare.json", "notes.txt", ".hidden.json", "torn.json", ".torn.json.witness"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "a.json"), filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	all, err := s.(providers.Lister).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Listed{
		{Name: "a", Note: n, Size: 1}, {Name: "bare", Untold: true, Size: 1}, {Name: "out", Note: n, Output: true, Size: 1},
		{Name: "team/b", Note: n, Size: 1}, {Name: "torn", Untold: true, Size: 1},
	}
	for i := range all {
		if all[i].Written.IsZero() {
			t.Errorf("%s tells no time", all[i].Name)
		}
		all[i].Written = want[0].Written
	}
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("%+v, want %+v", all[i], want[i])
		}
	}
}

// A directory that was there and is gone is not an empty store.
func TestListOfALostDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Config{Dir: dir}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.(providers.Lister).List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("before the first write: %v, %v", all, err)
	}
	if _, err := s.Write(t.Context(), "a", providers.NewSecret([]byte("v")), "", providers.Note{}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.(providers.Lister).List(t.Context()); err == nil {
		t.Error("a lost directory is an empty store")
	}
}
