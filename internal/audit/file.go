// Package audit keeps events in a file that only grows: one JSON object a line,
// of the members of engine.Event.
//
// The file is evidence as far as it is guarded. Whoever may write it may change
// it, so it should be shipped elsewhere, or be made append-only by the file
// system (chattr +a). rotate itself reads it to decide one thing: what it has as
// revoked does not come back when a person accepts a backup.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/keyrotate/rotate/rotation/engine"
)

// A File is appended to. The zero File has no path and takes events without
// keeping them. It is safe for concurrent use, also by several processes: a line
// is one write to the end.
type File struct {
	mu   sync.Mutex
	path string
	file *os.File // nil until the next Write
}

// Use names the file; "" for none.
func (f *File) Use(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if path != f.path {
		f.path = path
		f.close()
	}
}

// Path is the file's; "" if there is none.
func (f *File) Path() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path
}

// Reopen makes the next Write open the path anew, after someone has moved the
// file away.
func (f *File) Reopen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.close()
}

// Write appends an event. After an error the next one opens the file anew.
func (f *File) Write(ev engine.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	line, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("audit file %s: %w", f.path, err)
	}
	if f.file == nil {
		if f.file, err = open(f.path); err != nil {
			return fmt.Errorf("audit file: %w", err)
		}
	}
	if _, err := f.file.Write(append(line, '\n')); err != nil {
		f.close()
		return fmt.Errorf("audit file: %w", err)
	}
	return nil
}

func (f *File) close() {
	if f.file != nil {
		_ = f.file.Close() // every line was written by a call of its own
		f.file = nil
	}
}

// open refuses what is not a regular file: a pipe that nobody reads would hold
// up a rotation. O_NONBLOCK keeps the open itself from waiting for one.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if err := ready(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, nil
}

// ready ends a line that a killed process or a full disk left half written, so
// that it spoils no other.
func ready(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); info.Size() == 0 || errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = f.WriteString("\n")
	}
	return err
}
