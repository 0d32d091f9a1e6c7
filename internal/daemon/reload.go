package daemon

import (
	"context"
	"maps"
	"os"
	"reflect"
	"slices"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/fleet"
)

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
		d.rereadFiles()
		listen, old := d.listen, *d.keys.Load()
		keys, err := d.reread()
		d.metrics.Reloaded(d.Host.Now(), err == nil)
		if err != nil {
			log.Error("the config is refused, the old one is kept", "error", err)
			manager.refused()
			continue
		}
		log.Info("the config was read again", "keys", len(keys))
		manager.ready(len(keys))
		if !reflect.DeepEqual(d.listen, listen) {
			log.Warn("listen has changed: that counts from the next start")
		}
		if gone := dropped(old, keys); len(gone) > 0 {
			log.Warn("the new config leaves keys out: nobody rotates them any more, and nobody removes their previous keys", "keys", gone)
		}
	}
}

// reread reads the config again, and lets the scheduler go on with it.
func (d *Daemon) reread() (keys []*fleet.Key, err error) {
	defer bug.Catch(&err)
	conf, err := d.Read()
	if err != nil {
		return nil, err
	}
	return d.take(conf)
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
