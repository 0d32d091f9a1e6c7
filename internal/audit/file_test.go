package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/rotation/engine"
)

func event(i int) engine.Event {
	return engine.Event{
		Time: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC), Key: "k", Store: "m", Secret: "s",
		Action: "publish", Kid: fmt.Sprint("kid-", i), Reason: strings.Repeat("why ", 100),
	}
}

// TestManyWriters: lines of several writers never mix, and none is lost.
func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			var f audit.File
			f.Use(path)
			for i := range 50 {
				if err := f.Write(event(50*w + i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	events, spoilt, err := audit.Read(path, []string{"k"}, "m", "s")
	if err != nil || spoilt != 0 || len(events) != 400 {
		t.Errorf("%d events, %d spoilt, %v", len(events), spoilt, err)
	}
}

// TestNothingWaits: a pipe that nobody reads is refused, and a file that could
// not be written is tried again at the next event.
func TestNothingWaits(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	var f audit.File
	if err := f.Write(event(0)); err != nil {
		t.Error("without a path:", err)
	}
	f.Use(pipe)
	if err := f.Write(event(0)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	late := filepath.Join(dir, "late", "audit.jsonl")
	f.Use(late)
	if err := f.Write(event(1)); err == nil {
		t.Error("written into a folder that is not there")
	}
	if err := os.Mkdir(filepath.Dir(late), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(event(2)); err != nil {
		t.Error(err)
	}
	if events, _, err := audit.Read(late, []string{"k"}, "m", "s"); len(events) != 1 || events[0].Kid != "kid-2" || err != nil {
		t.Error(events, err)
	}
	if others, _, _ := audit.Read(late, []string{"other"}, "m", "s"); len(others) != 0 {
		t.Error("events of another key")
	}
}
