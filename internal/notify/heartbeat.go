package notify

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
)

// Ping is what the heartbeat is counted as. No receiver may have this name.
const Ping = "heartbeat"

// pingWithin is what one ping may take.
const pingWithin = 15 * time.Second

// A heart is what a Notifier knows of its pings.
type heart struct {
	of      Heartbeat   // that counts
	last    time.Time   // when the last one began
	busy    atomic.Bool // one is under way
	failing atomic.Bool // the last one failed, and that was logged
}

// ping sends one if it is time to. One that fails is not repeated: the next comes
// soon, and whoever waits for them allows for one that is late.
func (n *Notifier) ping(ctx context.Context, h Heartbeat) {
	now := time.Now()
	if h.Every == 0 || !n.heart.last.IsZero() && now.Sub(n.heart.last) < h.Every-looking/2 || n.heart.busy.Swap(true) {
		return
	}
	n.heart.last = now
	n.work.Go(func() {
		defer n.heart.busy.Store(false)
		switch err := n.pinged(ctx, h); {
		case err == nil:
			n.Count(Ping, Sent, 1)
			if n.heart.failing.Swap(false) {
				n.Log.Info("the heartbeat is taken again")
			}
		case ctx.Err() == nil:
			n.Count(Ping, Failed, 1)
			if !n.heart.failing.Swap(true) {
				n.Log.Warn("the heartbeat was not taken; keys are rotated all the same", "error", err.Error())
			}
		}
	})
}

// usable tells why no ping could be sent now; nil if nothing is known against it.
func (h Heartbeat) usable() error {
	if h.Every == 0 {
		return nil
	}
	_, err := h.Address.url()
	return err
}

func (n *Notifier) pinged(ctx context.Context, h Heartbeat) (err error) {
	defer bug.Catch(&err)
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	return n.call(ctx, http.MethodGet, h.Address, http.Header{}, nil)
}
