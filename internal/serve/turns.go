package serve

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Reports cost: one of 10,000 keys takes most of a second of processor time. They
// are made one after another, so that a second processor is left for all else. So
// many are in line, for turnWithin at most. Prometheus gives up after 10 s, if
// nobody has told it otherwise.
const (
	inLine     = 16
	turnWithin = 5 * time.Second
)

// turns lets requests be worked on one after another. A client that does not read
// its answer loses its turn when another wants it. Safe for concurrent use.
type turns struct {
	line   chan struct{}        // who waits, and who has the turn
	turn   chan struct{}        // who has it
	holder atomic.Pointer[conn] // its connection; nil if it came by no door
}

func newTurns() *turns {
	return &turns{line: make(chan struct{}, inLine), turn: make(chan struct{}, 1)}
}

// taken answers a request when it is its turn, and with 503 if that takes too long.
func (t *turns) taken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.wait(r) {
			w.Header().Set("Retry-After", "5")
			plain(w, http.StatusServiceUnavailable, "too many reports are asked for at once\n")
			return
		}
		t.holder.Store(connOf(r))
		defer t.end()
		next.ServeHTTP(w, r)
	})
}

// wait reports whether a request has got a turn.
func (t *turns) wait(r *http.Request) bool {
	select {
	case t.line <- struct{}{}:
	default:
		return false
	}
	late := time.NewTimer(turnWithin)
	defer late.Stop()
	again := time.NewTicker(slowAfter / 5) // a reader becomes slow by the time alone
	defer again.Stop()
	for {
		select {
		case t.turn <- struct{}{}:
			return true
		case <-again.C:
			if c := t.holder.Load(); c != nil {
				c.cutIfSlow()
			}
		case <-late.C:
			<-t.line
			return false
		case <-r.Context().Done():
			<-t.line
			return false
		}
	}
}

func (t *turns) end() {
	t.holder.Store(nil)
	<-t.turn
	<-t.line
}
