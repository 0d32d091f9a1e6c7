//go:build unix

package file

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Somebody else may have made what looks like a repository: no pipe is waited for, and
// no file is read into memory whatever its size.
func TestWhatLooksLikeARepository(t *testing.T) {
	dir := t.TempDir()
	git := filepath.Join(dir, ".git")
	if err := syscall.Mkfifo(git, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := indexed(dir, filepath.Join(dir, "key")); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if err := os.Remove(git); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(git, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(git, 1<<40); err != nil {
		t.Skip(err) // the file system has no holes
	}
	if _, err := indexed(dir, filepath.Join(dir, "key")); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("a terabyte: %v", err)
	}
}
