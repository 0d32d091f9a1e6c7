package notify

import "sync"

const (
	// queued is how many events wait for one receiver at most. The oldest are lost
	// then, so that the newest, which say how things are, get through.
	queued = 1000

	few    = 5  // so many that wait are sent one by one
	atOnce = 25 // and more of them as digests of this many: 20 KB, which Standard Webhooks advises
)

// A queue holds the events that wait for one receiver. It is safe for concurrent
// use.
type queue struct {
	mu     sync.Mutex
	events []Event
	filled chan struct{} // has one when events may wait
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// add puts events at the end, and tells how many others were lost.
func (q *queue) add(events []Event) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, events...)
	if lost = max(0, len(q.events)-queued); lost > 0 {
		q.events = append([]Event(nil), q.events[lost:]...)
	}
	select {
	case q.filled <- struct{}{}:
	default:
	}
	return lost
}

// take takes what the next message holds; nil if nothing waits.
func (q *queue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return nil
	}
	n := 1
	if len(q.events) > few {
		n = min(atOnce, len(q.events))
	}
	batch := q.events[:n:n]
	q.events = q.events[n:]
	return batch
}

// clear takes everything away, and tells how much that was.
func (q *queue) clear() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.events)
	q.events = nil
	return n
}
