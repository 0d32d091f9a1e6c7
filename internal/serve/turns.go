package serve

import (
	"net/http"
	"sync"
	"time"
)

// Reports cost: one of 10,000 keys takes most of a second of processor time. So
// atOnce are made at the same time, and inLine wait for that or are made, up to
// turnWithin. Prometheus gives up after 10 s, if nobody has told it otherwise.
const (
	atOnce     = 2
	inLine     = 16
	turnWithin = 5 * time.Second
)

// turns lets few requests be worked on at once. A client that does not read its
// answer loses its turn when another wants it. Safe for concurrent use.
type turns struct {
	line, slots chan struct{}

	mu      sync.Mutex
	holders map[*conn]struct{}
}

func newTurns() *turns {
	return &turns{line: make(chan struct{}, inLine), slots: make(chan struct{}, atOnce), holders: map[*conn]struct{}{}}
}

// taken answers a request when it is its turn, and with 503 if that takes too long.
func (t *turns) taken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.wait(r) {
			w.Header().Set("Retry-After", "5")
			plain(w, http.StatusServiceUnavailable, "too many reports are asked for at once\n")
			return
		}
		c := connOf(r)
		t.hold(c)
		defer t.end(c)
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
		case t.slots <- struct{}{}:
			return true
		case <-again.C:
			t.cutSlow()
		case <-late.C:
			<-t.line
			return false
		case <-r.Context().Done():
			<-t.line
			return false
		}
	}
}

// hold notes who has a turn; nil is a request that came by no door.
func (t *turns) hold(c *conn) {
	t.mu.Lock()
	t.holders[c] = struct{}{}
	t.mu.Unlock()
}

func (t *turns) end(c *conn) {
	t.mu.Lock()
	delete(t.holders, c)
	t.mu.Unlock()
	<-t.slots
	<-t.line
}

// cutSlow ends one turn whose client does not read, if there is one.
func (t *turns) cutSlow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.holders {
		if c != nil && c.cutIfSlow() {
			return
		}
	}
}
