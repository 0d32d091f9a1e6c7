//go:build unix

package file

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExposed(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	look := func(name string, want Exposure) {
		t.Helper()
		if got := Exposed(t.Context(), at(name)); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	put(t, at("plain"), "x")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(at("plain"), 0o600))
	look("plain", Exposure{})
	look("nothing", Exposure{})
	must(os.Chmod(at("plain"), 0o640))
	look("plain", Exposure{Mode: 0o640})
	must(os.Chmod(at("plain"), 0o600))
	must(os.Symlink("plain", at("link")))
	look("link", Exposure{Link: at("plain")})
	must(os.Link(at("plain"), at("second")))
	look("plain", Exposure{Names: 2})
	must(os.Remove(at("second")))

	inGit(t, dir, "init", "-q")
	look("plain", Exposure{})
	inGit(t, dir, "add", "plain")
	look("plain", Exposure{Git: Indexed})
	look("link", Exposure{Link: at("plain"), Git: Indexed})
	inGit(t, dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x")
	look("plain", Exposure{Git: Committed})
	inGit(t, dir, "rm", "-q", "--cached", "plain")
	look("plain", Exposure{Git: Committed})
	t.Setenv("PATH", "")
	look("plain", Exposure{Git: Unknown})
}
