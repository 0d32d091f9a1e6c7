package daemon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
)

// patience is how long a config may take to be read. Longer takes only a file
// system that hangs.
const patience = 10 * time.Second

// reload takes the config in anew at each SIGHUP.
func (d *Daemon) reload(ctx context.Context, hangup <-chan os.Signal) {
	log, manager := d.Host.Log, notifier{d.Host.Log}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		manager.reloading()
		d.Host.Trail.Reopen()
		listen, old := d.listen, *d.keys.Load()
		keys, err := d.reread(ctx)
		if ctx.Err() != nil {
			return
		}
		d.metrics.Reloaded(d.Host.Now(), err == nil)
		if err != nil {
			log.Error("the config is refused, the old one is kept", "error", err)
			manager.refused()
			continue
		}
		log.Info("the config was read again", "keys", len(keys))
		manager.ready(len(keys))
		if d.listen != listen {
			log.Warn("listen has changed: that counts from the next start")
		}
		if gone := dropped(old, keys); len(gone) > 0 {
			log.Warn("keys are no longer looked after: they are not rotated any more, and their previous keys will not be retired", "keys", gone)
		}
	}
}

// reread reads the config again, and lets the scheduler go on with it. A read
// that does not come back is given up, since no signal ends it (open(2) of a
// file system that hangs). The next SIGHUP begins another.
func (d *Daemon) reread(ctx context.Context) (keys []*fleet.Key, err error) {
	defer bug.Catch(&err)
	type read struct {
		conf *config.Config
		err  error
	}
	done := make(chan read, 1) // of a read that was given up nobody takes the result
	go func() {
		var r read
		defer func() { done <- r }()
		defer bug.Catch(&r.err)
		r.conf, r.err = d.Read()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return d.take(r.conf)
	case <-late.C:
		return nil, fmt.Errorf("the config could not be read within %s: its file system hangs. Send SIGHUP again once it answers", patience)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dropped is the keys that a new config has no more, or has in another place.
func dropped(old map[string]*fleet.Key, now []*fleet.Key) (gone []string) {
	id := func(k *fleet.Key) string { return k.Environment + "/" + k.Name + " (" + k.Place() + ")" }
	kept := map[string]bool{}
	for _, k := range now {
		kept[id(k)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if k := old[name]; !kept[id(k)] {
			gone = append(gone, id(k))
		}
	}
	return gone
}
