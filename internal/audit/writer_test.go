package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/trust"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A file system that hangs costs the first event a second and the others nothing.
// All are written if it answers again, and what does not fit is told.
func TestAHangingFileDelaysNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f File
		f.Use("a")
		hang, wrote := make(chan struct{}), 0
		f.w.append = func(last Link, _ engine.Event) (Link, error) {
			<-hang
			wrote++
			return Link{Writer: last.Writer, Number: last.Number + 1, Digest: "d"}, nil
		}
		began := time.Now()
		for i := range most {
			if err := f.Write(engine.Event{}); !errors.Is(err, ErrWaiting) {
				t.Fatalf("event %d: %v", i, err)
			}
		}
		if took := time.Since(began); took != patience {
			t.Errorf("the events waited %s", took)
		}
		if err := f.Write(engine.Event{}); !errors.Is(err, ErrWaiting) || !strings.Contains(err.Error(), "1024 events wait for it already: this one is not recorded") {
			t.Error(err)
		}
		if n := f.Waiting(); n != most {
			t.Errorf("%d wait", n)
		}
		f.Reopen() // neither of these waits
		if f.Path() != "a" || f.Last().Number != 0 {
			t.Error(f.Path(), f.Last())
		}
		close(hang)
		synctest.Wait()
		if wrote != most || f.Waiting() != 0 || f.Last().Number != most {
			t.Errorf("%d are written, %d wait", wrote, f.Waiting())
		}
		if err := f.Write(engine.Event{}); err != nil {
			t.Error("it answers again:", err)
		}
	})
}

// Another path has a chain of its own, and does not wait for the one before.
func TestAnotherPathDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f File
		f.Use("a")
		hang := make(chan struct{})
		f.w.append = func(last Link, _ engine.Event) (Link, error) { <-hang; return last, nil }
		if err := f.Write(engine.Event{}); !errors.Is(err, ErrWaiting) {
			t.Error(err)
		}
		before := f.Last().Writer
		f.Use("b")
		f.w.append = func(last Link, _ engine.Event) (Link, error) { return last, nil }
		if err := f.Write(engine.Event{}); err != nil || f.Last().Writer == before {
			t.Error(err, before)
		}
		close(hang)
	})
}

// A line that could not be written is no part of the chain, and a panic ends no
// goroutine of another.
func TestALineThatFailsIsNoLink(t *testing.T) {
	var f File
	f.Use(filepath.Join(t.TempDir(), "a"))
	real := f.w.append
	f.w.append = func(Link, engine.Event) (Link, error) { panic("full") }
	if err := f.Write(engine.Event{}); err == nil || !strings.Contains(err.Error(), "a bug in rotate") {
		t.Error(err)
	}
	f.w.append = real
	if err := f.Write(engine.Event{Time: time.Now(), Action: "create"}); err != nil || f.Last().Number != 1 {
		t.Error(err, f.Last())
	}
}

// What is no evidence is refused, by the probe and by an event alike.
func TestWhatIsNoEvidence(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]fs.FileMode{"good": 0o600, "shown": 0o644, "open": 0o646} {
		if err := errors.Join(os.WriteFile(at(name), nil, 0o600), os.Chmod(at(name), mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("good", at("link")), syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"good": "", "shown": "", "new": "", "link": "it is a symbolic link", "pipe": "not a regular file", "folder": "is a directory",
		"none/a": "no such file", "open": "somebody else can change it: " + at("open") + " has mode 0646: others may write it; chmod go-w",
	}
	if trust.Check(at("open")) == nil {
		delete(want, "open") // a volume of a container
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.WriteFile(at("foreign"), nil, 0o600), os.Chown(at("foreign"), 65533, 65533)); err != nil {
			t.Fatal(err)
		}
		if trust.Check(at("foreign")) != nil {
			want["foreign"] = "belongs to user 65533, and this is user 0"
		}
	}
	for name, want := range want {
		var f File
		f.Use(at(name))
		probed := f.Probe()
		if _, err := os.Lstat(at("new")); name == "new" && err == nil {
			t.Error("the probe made a file")
		}
		for _, err := range []error{probed, f.Write(engine.Event{Time: time.Now(), Action: "create"})} {
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}
