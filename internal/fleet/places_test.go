package fleet

import (
	"os"
	"path/filepath"
	"testing"
)

// Two folders of which one is a link to the other are one place, here as in the config:
// a keyset that has a name in one of them has it in the other.
func TestLinkedFoldersAreOnePlace(t *testing.T) {
	dir := t.TempDir()
	keys, link := filepath.Join(dir, "keys"), filepath.Join(dir, "link")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keys, link); err != nil {
		t.Fatal(err)
	}
	conf, _ := load(t, "environment: test\nstores: {one: {type: file, dir: "+keys+"}, two: {type: file, dir: "+link+"}}\nkeys: {a: {store: one}, b: {store: two}}\n")
	p := placesOf(conf)
	for _, store := range []string{"one", "two"} {
		if p.Key(store, "test-a") != "a" || p.Key(store, "test-b") != "b" || p.HasKeyset(store, "test-c") {
			t.Errorf("in %s: %q and %q", store, p.Key(store, "test-a"), p.Key(store, "test-b"))
		}
	}
}
