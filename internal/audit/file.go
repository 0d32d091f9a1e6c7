// Package audit keeps events in a file that only grows: one JSON object a line,
// of the members of Line.
//
// The lines of a writer are a chain: each has its number, and the digest of the
// one before it. So a line that was changed or taken out of the middle shows,
// without a lock between processes. Whoever may write the file can compute a
// chain anew, so it should be shipped elsewhere, or be made append-only by the
// file system (chattr +a). rotate itself reads the file to decide one thing: what
// it has as revoked does not come back when a person accepts a backup.
package audit

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/keyrotate/rotate/rotation/engine"
)

// How long one event waits for a file that does not answer, and how many may
// wait for it. An event is below 1 KB.
const (
	patience = time.Second
	most     = 1024
)

// ErrWaiting is that of an event that is not on record yet, as the file system
// does not answer. It will be, if that answers before the process ends.
var ErrWaiting = errors.New("its file system does not answer")

// A File is appended to. The zero File has no path and takes events without
// keeping them. It is safe for concurrent use, also by several processes: a line
// is one write to the end.
type File struct {
	mu sync.Mutex // never held while a file is waited for
	w  *writer    // nil where there is no path
}

// Use names the file; "" for none.
func (f *File) Use(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w != nil && f.w.path == path || f.w == nil && path == "" {
		return
	}
	if f.w != nil {
		f.w.retire()
	}
	f.w = nil
	if path != "" {
		f.w = newWriter(path)
	}
}

// Path is the file's; "" if there is none.
func (f *File) Path() string {
	if w := f.writer(); w != nil {
		return w.path
	}
	return ""
}

// Reopen makes the next Write open the path anew, after someone has moved the
// file away. The chain goes on.
func (f *File) Reopen() {
	if w := f.writer(); w != nil {
		w.reopen.Store(true)
	}
}

// Write appends an event. It waits a second for a file system that does not
// answer, and not at all while that goes on: the error is ErrWaiting then. After
// any other error the event is not on record, and the next one opens the file
// anew.
func (f *File) Write(ev engine.Event) error {
	w := f.writer()
	if w == nil {
		return nil
	}
	if err := w.write(ev); err != nil {
		return fmt.Errorf("audit file %s: %w", w.path, err)
	}
	return nil
}

// Probe tells whether events can be kept, and changes nothing. A file that is not
// there yet is made by the first event.
func (f *File) Probe() error {
	w := f.writer()
	if w == nil {
		return nil
	}
	if err := probe(w.path); err != nil {
		return fmt.Errorf("audit file %s: %w", w.path, err)
	}
	return nil
}

// Waiting is how many events are not on record as the file does not answer.
func (f *File) Waiting() int {
	if w := f.writer(); w != nil {
		return w.waiting()
	}
	return 0
}

// Last is where the chain of this process has come to; its Number is 0 before the
// first line.
func (f *File) Last() Link {
	if w := f.writer(); w != nil {
		return *w.last.Load()
	}
	return Link{}
}

func (f *File) writer() *writer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w
}
