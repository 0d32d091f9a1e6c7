package notify

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// An address from a file is a credential: it is not sent in the clear, and not repeated.
// Nothing is waited for that is no file.
func TestAddressOfAFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, err string }{
		"https":        {"https://hooks.example.com/canary\n", ""},
		"this host":    {"http://127.0.0.1:8080/canary", ""},
		"in the clear": {"http://hooks.example.com/canary", "use https"},
		"no address":   {"canary", "not a URL"},
		"long":         {strings.Repeat("canary", 1000), "larger than 4 KiB"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Address{File: path}.url()
		switch {
		case c.err == "" && (err != nil || got != strings.TrimSpace(c.text)):
			t.Errorf("%s: %q, %v", name, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Address{File: pipe}).url(); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a pipe: %v", err)
	}
}
