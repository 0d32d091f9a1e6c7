package daemon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"time"

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
		d.rereadFiles(ctx)
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
		if !reflect.DeepEqual(d.listen, listen) {
			log.Warn("listen has changed: that counts from the next start")
		}
		if gone := dropped(old, keys); len(gone) > 0 {
			log.Warn("the new config leaves keys out: nobody rotates them any more, and nobody removes their previous keys", "keys", gone)
		}
	}
}

// reread reads the config again, and lets the scheduler go on with it.
func (d *Daemon) reread(ctx context.Context) (keys []*fleet.Key, err error) {
	defer bug.Catch(&err)
	conf, err := within(ctx, "the config", d.Read)
	if err != nil {
		return nil, err
	}
	return d.take(conf)
}

// within gives up a read that does not come back, since no signal ends it: open(2)
// waits for a file system that hangs. The next SIGHUP begins another.
func within[T any](ctx context.Context, what string, read func() (T, error)) (got T, err error) {
	const patience = 10 * time.Second
	type answer struct {
		got T
		err error
	}
	done := make(chan answer, 1) // of a read that was given up nobody takes the answer
	go func() {
		var a answer
		defer func() { done <- a }()
		defer bug.Catch(&a.err)
		a.got, a.err = read()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case a := <-done:
		return a.got, a.err
	case <-late.C:
		return got, fmt.Errorf("%s could not be read within %s: the file system hangs. Send SIGHUP again once it answers", what, patience)
	case <-ctx.Done():
		return got, context.Cause(ctx)
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
