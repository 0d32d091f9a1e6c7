package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/program"
)

const (
	firstRetry = 5 * time.Second // after a failure; doubles up to
	lastRetry  = 10 * time.Minute
	keptFor    = 24 * time.Hour // a message that is not taken for so long is lost
	lastWithin = time.Second    // what one last attempt may take when rotate stops
)

// A Result is what came of notifications, for counting.
type Result string

// The results: events that were taken, attempts that failed, and events that are
// lost.
const (
	Sent   Result = "sent"
	Failed Result = "failed"
	Lost   Result = "lost"
)

// A delivery sends one receiver its events, in their order.
type delivery struct {
	n        *Notifier
	receiver atomic.Pointer[Receiver] // as the config has it now
	queue    *queue
	losing   atomic.Bool // events are lost, and that was logged
	failing  time.Time   // since when no attempt succeeds; run's own
	stop     context.CancelFunc
}

// give queues the events that the receiver is told of.
func (d *delivery) give(events []Event) {
	var own []Event
	for _, e := range events {
		if d.receiver.Load().wants(e.Kind) {
			own = append(own, e)
		}
	}
	if len(own) > 0 {
		d.lost(d.queue.add(own), "more wait than are kept")
	}
}

// run sends until ctx is done, and then gives what is left one last attempt.
func (d *delivery) run(ctx context.Context) {
	var batch []Event
	for ctx.Err() == nil {
		if batch = d.queue.take(); batch != nil {
			if d.deliver(ctx, batch) {
				batch = nil
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-d.queue.filled:
		}
	}
	d.last(context.WithoutCancel(ctx), batch)
}

// deliver sends a message, less and less often until it is taken or too old. False
// says that ctx is done instead.
func (d *delivery) deliver(ctx context.Context, batch []Event) (settled bool) {
	m, began := messageOf(batch), time.Now()
	for gap := firstRetry; ; gap = min(2*gap, lastRetry) {
		err := d.attempt(ctx, m)
		switch {
		case err == nil:
			d.took(len(batch))
			return true
		case ctx.Err() != nil:
			return false
		}
		d.failed(err)
		if time.Since(began) >= keptFor {
			d.lost(len(batch), "nobody took them for a day")
			return true
		}
		wait := gap
		if refused, ok := errors.AsType[*refusal](err); ok {
			wait = max(wait, refused.after)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// last sends what is left, for a moment. What is not taken is lost here; see recent.
func (d *delivery) last(ctx context.Context, batch []Event) {
	ctx, cancel := context.WithTimeout(ctx, lastWithin)
	defer cancel()
	if batch == nil {
		batch = d.queue.take()
	}
	for ; batch != nil; batch = d.queue.take() {
		if err := d.attempt(ctx, messageOf(batch)); err != nil {
			d.failed(err)
			d.lost(len(batch)+d.queue.clear(), "rotate stops, or the config has this receiver no more; the next start tells again of what is an hour old at most")
			return
		}
		d.took(len(batch))
	}
}

// attempt sends a message once. A bug that shows there is a failure like any other.
func (d *delivery) attempt(ctx context.Context, m message) (err error) {
	defer bug.Catch(&err)
	r := d.receiver.Load()
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	if len(r.Exec) > 0 {
		return program.Run(ctx, r.Exec, nil, m.body)
	}
	header, body := http.Header{}, m.body
	if r.Format != CloudEvents {
		header.Set("Content-Type", "application/json")
		return d.n.call(ctx, http.MethodPost, r.Address, header, chat(r.Format, m.text))
	}
	header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	secrets, err := r.Sign.secrets(d.n.Set)
	if err != nil {
		return err
	}
	sign(header, secrets, m.id, time.Now(), body)
	return d.n.call(ctx, http.MethodPost, r.Address, header, body)
}

func (d *delivery) log() *slog.Logger { return d.n.Log.With("receiver", d.receiver.Load().Name) }

// took notes that events were taken.
func (d *delivery) took(events int) {
	d.n.Count(d.receiver.Load().Name, Sent, events)
	if !d.failing.IsZero() {
		d.log().Info("notifications are taken again", "after", time.Since(d.failing).Round(time.Second).String())
	}
	d.failing = time.Time{}
	d.losing.Store(false)
}

// failed notes an attempt that failed. The first of a row is logged.
func (d *delivery) failed(err error) {
	d.n.Count(d.receiver.Load().Name, Failed, 1)
	if d.failing.IsZero() {
		d.failing = time.Now()
		d.log().Warn("a notification was not taken; keys are rotated all the same, and it is sent again, less and less often, for a day", "error", err.Error())
	}
}

// lost notes events that nobody will be told of. The first of a row are logged.
func (d *delivery) lost(events int, why string) {
	if events == 0 {
		return
	}
	d.n.Count(d.receiver.Load().Name, Lost, events)
	if !d.losing.Swap(true) {
		d.log().Error("notifications are lost", "events", events, "why", why)
	}
}
