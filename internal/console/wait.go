package console

import (
	"context"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
)

// A Waiting tells how wishes wait. Safe for concurrent use.
type Waiting struct {
	Console *Console

	mu   sync.Mutex
	told map[string]*lastWords // by key
}

// lastWords are when waiting was spoken of last, and what was warned of then.
type lastWords struct {
	noted, warned time.Time
	alarm         string
}

// of is the last words about a key.
func (w *Waiting) of(key string) *lastWords {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[string]*lastWords{}
	}
	if w.told[key] == nil {
		w.told[key] = &lastWords{}
	}
	return w.told[key]
}

// Idle waits, and shows progress each second on a terminal, each minute elsewhere.
func (w *Waiting) Idle(ctx context.Context, wish *ops.Wish, until time.Time) error {
	c, said, key := w.Console, w.of(wish.Key.Name), wish.Key.Name
	if alarm := answer.Alarms(wish); alarm != "" && (alarm != said.alarm || c.Now().Sub(said.warned) >= ops.Soon) {
		c.Voice.Warn("key %s: %s", key, alarm)
		said.alarm, said.warned = alarm, c.Now()
	}
	if !c.Voice.Terminal && c.Now().Sub(said.noted) >= ops.Soon { // a log has no use for more
		said.noted = c.Now()
		c.Voice.Note("key %s: %s", key, answer.Waiting(c.Now(), wish))
	}
	defer c.Voice.Done()
	for {
		now := c.Now()
		if !now.Before(until) {
			return nil
		}
		left := until.Sub(now)
		if c.Voice.Terminal {
			c.Voice.Progress(key + ": " + answer.Waiting(now, wish) + "; Ctrl-C leaves it to the daemon")
			left = min(left, time.Second)
		}
		if err := ops.Pause(ctx, left); err != nil {
			return err
		}
	}
}

// Away tells that a store cannot be reached for a while.
func (w *Waiting) Away(wish *ops.Wish, err error) {
	w.Console.Voice.Warn("%s", say.Error(err))
	w.Console.Voice.Note("key %s: waiting goes on; the store is tried again every minute", wish.Key.Name)
}
