package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/git"
)

// Git is given no credential, and fetches nothing that a repository's config names.
func TestGitIsGivenNoSecret(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\nset\n"), 0o700); err != nil { //nolint:gosec // it has to run
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("VAULT_TOKEN", "canary")
	t.Setenv("GIT_DIR", "/elsewhere")
	out, err := git.Output(t.Context(), t.TempDir(), "check-ignore", "--", "x")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); strings.Contains(text, "canary") || strings.Contains(text, "/elsewhere") || !strings.Contains(text, "GIT_ALLOW_PROTOCOL='none'") && !strings.Contains(text, "GIT_ALLOW_PROTOCOL=none") {
		t.Errorf("git is given:\n%s", text)
	}
}
