package serve

import (
	"net/http"
	"sync"
	"time"
)

// atOnce is how many reports are made at the same time. That of 10,000 keys takes
// most of a second of processor time.
const atOnce = 4

// turnWithin is how long a request waits for its turn. Prometheus gives up after
// 10 s, if nobody has told it otherwise.
const turnWithin = 2 * time.Second

// turns lets few requests be worked on at once. A client that does not read its
// answer loses its turn as soon as another wants it. The zero value is ready.
type turns struct {
	mu      sync.Mutex
	holders map[*http.Request]*conn
	free    chan struct{} // told when a turn has ended
}

// taken answers a request when it is its turn, and with 503 if that takes too long.
func (t *turns) taken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.wait(r) {
			w.Header().Set("Retry-After", "5")
			plain(w, http.StatusServiceUnavailable, "too many reports are asked for at once\n")
			return
		}
		defer t.end(r)
		next.ServeHTTP(w, r)
	})
}

func (t *turns) wait(r *http.Request) bool {
	late := time.NewTimer(turnWithin)
	defer late.Stop()
	retry := time.NewTicker(turnWithin / 10) // a reader becomes slow by the time alone
	defer retry.Stop()
	for {
		ended, ok := t.take(r)
		if ok {
			return true
		}
		select {
		case <-ended:
		case <-retry.C:
		case <-late.C:
			return false
		case <-r.Context().Done():
			return false
		}
	}
}

// take takes a turn if one is free. If none is, it cuts who does not read; ended
// is closed when a turn has ended.
func (t *turns) take(r *http.Request) (ended <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.holders) < atOnce {
		if t.holders == nil {
			t.holders = map[*http.Request]*conn{}
		}
		t.holders[r] = connOf(r)
		return nil, true
	}
	if t.free == nil {
		t.free = make(chan struct{})
	}
	for _, c := range t.holders {
		if c != nil && c.cutIfSlow() {
			break
		}
	}
	return t.free, false
}

func (t *turns) end(r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.holders, r)
	if t.free != nil {
		close(t.free)
		t.free = nil
	}
}
