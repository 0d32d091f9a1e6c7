package daemon

import (
	"time"

	"github.com/keyrotate/rotate/internal/notify"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// stuck is after how long without a sign of life, which comes once a minute, the
// scheduler counts as stuck, so that no heartbeat speaks for it.
const stuck = 3 * time.Minute

// teller tells receivers what the last passes saw. It asks no store, and the
// scheduler does not wait for it.
func (d *Daemon) teller() *notify.Notifier {
	return notify.New(notify.Options{
		Now: d.Host.Now, Keys: d.live, Log: d.Host.Log, Version: d.Version, Transport: d.Transport,
		Set: func(key string) *keyset.Set {
			k, _ := d.liveKey(key)
			return k.Set
		},
		Alive: func() bool {
			last := d.turned.Load()
			return last != nil && time.Since(*last) < stuck
		},
		Count: func(receiver string, result notify.Result, n int) { d.metrics.Notified(receiver, string(result), n) },
	})
}

// beat is the scheduler's sign of life.
func (d *Daemon) beat() {
	now := time.Now()
	d.turned.Store(&now)
	if d.Beat != nil {
		d.Beat()
	}
}
