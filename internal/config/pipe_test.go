package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A pipe that nobody writes to is refused. Waiting for a writer hung every
// command, and SIGTERM did not end it.
func TestPipeWithoutWriterIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{path, filepath.Dir(path)} {
		if _, err := Load(at, nil); err == nil || !strings.Contains(err.Error(), "is a pipe that nobody writes to") {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// A pipe that somebody writes to is read: `rotate validate -c <(…)`.
func TestPipeWithWriterIsRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("enviroment: test\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := Load("/dev/fd/"+strconv.Itoa(int(r.Fd())), nil); err == nil || !strings.Contains(err.Error(), "enviroment: unknown option") {
		t.Error(err)
	}
}
