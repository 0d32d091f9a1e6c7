package audit

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A writer appends to one path, in a goroutine of its own that ends when there is
// nothing left to write: whoever has an event is never held by the file.
type writer struct {
	path   string
	reopen atomic.Bool
	last   atomic.Pointer[Link] // on record

	mu      sync.Mutex // never held while the file is waited for
	queue   []job      // the first of them is being written
	running bool
	hangs   bool // the write that runs is late
	retired bool // no more comes

	append func(Link, engine.Event) (Link, error) // writes one line; of the goroutine alone
	file   *os.File                               // the same; nil until the next line
}

type job struct {
	event engine.Event
	done  chan error // takes one
}

func newWriter(path string) *writer {
	w := &writer{path: path}
	w.append = w.appendLine
	w.last.Store(&Link{Writer: newChain()})
	return w
}

func (w *writer) write(ev engine.Event) error {
	j := job{ev, make(chan error, 1)}
	waits, err := w.enqueue(j)
	if err != nil || !waits {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-j.done:
		return err
	case <-late.C:
		return w.late()
	}
}

// enqueue tells whether the event is worth waiting for.
func (w *writer) enqueue(j job) (waits bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= most {
		return false, fmt.Errorf("%w, and %d events wait for it already: this one is not recorded", ErrWaiting, len(w.queue))
	}
	w.queue = append(w.queue, j)
	w.run()
	if w.hangs {
		return false, fmt.Errorf("%w: %d events wait for it", ErrWaiting, len(w.queue))
	}
	return true, nil
}

// late notes that the file does not answer, so that no other event waits.
func (w *writer) late() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs = len(w.queue) > 0
	return fmt.Errorf("%w within %s", ErrWaiting, patience)
}

// retire closes the file once everything is written.
func (w *writer) retire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retired = true
	w.run()
}

// waiting is how many events wait for a file that hangs.
func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// run starts the goroutine if there is none. w.mu is held.
func (w *writer) run() {
	if !w.running {
		w.running = true
		go w.drain()
	}
}

// drain writes what waits, in its order.
func (w *writer) drain() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.running = false
			closes := w.retired
			w.mu.Unlock()
			if closes {
				w.close()
			}
			return
		}
		j := w.queue[0]
		w.mu.Unlock()
		err := w.one(j.event)
		w.mu.Lock()
		w.queue, w.hangs = w.queue[1:], false
		w.mu.Unlock()
		j.done <- err
	}
}

// one writes an event. A link that is not on record is none.
func (w *writer) one(ev engine.Event) (err error) {
	defer bug.Catch(&err)
	next, err := w.append(*w.last.Load(), ev)
	if err == nil {
		w.last.Store(&next)
	}
	return err
}

func (w *writer) appendLine(last Link, ev engine.Event) (Link, error) {
	if w.reopen.Swap(false) {
		w.close()
	}
	if w.file == nil {
		f, before, err := open(w.path)
		if err != nil {
			return Link{}, err
		}
		w.file = f
		if last.Number == 0 {
			last.Digest = before // so a chain that ended is held by the one that begins after it
		}
	}
	line, next, err := encode(last, ev)
	if err != nil {
		return Link{}, err
	}
	if _, err := w.file.Write(line); err != nil {
		w.close()
		return Link{}, short(err)
	}
	return next, nil
}

func (w *writer) close() {
	if w.file != nil {
		_ = w.file.Close() // every line was written by a call of its own
		w.file = nil
	}
}

// short leaves the path out of an error that will be told with it.
func short(err error) error {
	var of *os.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
