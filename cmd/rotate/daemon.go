package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/metrics"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// A runner is one `rotate run`: the daemon.
type runner struct {
	*app
	log       *slog.Logger
	scheduler *scheduler.Scheduler
	keys      atomic.Pointer[map[string]*key] // of the config as it is now, by name
	told      atomic.Int64                    // when a lost audit event was spoken of last
}

// run runs until ctx is done. listen is the address of the endpoints; "" for
// that of the config.
func (d *runner) run(ctx context.Context, listen string) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before anything takes time: unnoticed, it would end the process
	defer signal.Stop(hangup)
	manager := notifier{d.log}
	keys, err := d.prepare(manager.watchdog(ctx))
	if err != nil {
		return err
	}
	if d.hardened != nil {
		d.log.Warn("this process is less guarded than it should be", "error", d.hardened)
	}
	answering, err := d.answer(ctx, cmp.Or(listen, d.listen))
	if err != nil {
		return err
	}
	reloads, done := context.WithCancel(ctx)
	defer done()
	go d.reload(reloads, hangup, keys)
	go d.calmDown(reloads)
	context.AfterFunc(ctx, manager.stopping)
	d.log.Info("rotate is at work", "actor", d.actor, "keys", len(keys))
	manager.ready(len(keys))
	err = d.scheduler.Run(ctx)
	answering.Wait()
	if err != nil {
		return err
	}
	d.log.Info("rotate has stopped; nothing is left half done")
	return nil
}

// prepare reads the config, and begins nothing.
func (d *runner) prepare(beat func()) ([]*key, error) {
	d.app.metrics = metrics.New(buildVersion(), d.live)
	d.alarm = d.lostEvent
	keys, err := d.app.keys(choice{all: true})
	if err != nil {
		return nil, err
	}
	d.metrics.Reloaded(d.now(), true)
	d.keys.Store(byName(keys))
	d.scheduler = scheduler.New(d.engine(auditTo(d.log)), scheduler.Options{Log: d.log, Beat: beat})
	return keys, d.scheduler.Replace(schedulerKeys(keys))
}

// calmDown waits until every key was looked at. From then on this process does
// next to nothing for months, so memory is dearer to its host than processor
// time: what the start took is given back, and garbage is kept to a quarter of
// what lives, unless whoever started it has said how much ($GOGC).
func (d *runner) calmDown(ctx context.Context) {
	for {
		if _, unseen, _ := d.scheduler.Unseen(); unseen == 0 {
			break
		}
		if pause(ctx, time.Second) != nil {
			return
		}
	}
	if d.getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
	debug.FreeOSMemory()
}

func (d *runner) server() *serve.Server {
	return &serve.Server{Now: d.now, Keys: d.live, Key: d.liveKey, Unseen: d.scheduler.Unseen, Metrics: d.metrics.Handler(), Log: d.log}
}

// answer begins to answer over HTTP, until ctx is done.
func (d *runner) answer(ctx context.Context, address string) (*sync.WaitGroup, error) {
	answering := &sync.WaitGroup{}
	if address == "" {
		return answering, nil
	}
	var listener net.ListenConfig
	l, err := listener.Listen(ctx, "tcp", address)
	if errno := syscall.Errno(0); err != nil && !errors.As(err, &errno) { // the system was not even asked
		return nil, &usageError{fmt.Sprintf("the endpoints: %v; nothing was begun", err), "an address is such as 127.0.0.1:9797, or :9797 for every address of the host"}
	}
	if err != nil {
		return nil, fmt.Errorf("the endpoints: %w; nothing was begun\nhint: another process has that port, or this host has no such address: change `listen` or --listen", err)
	}
	server := d.server()
	answering.Go(func() {
		if err := server.Run(ctx, l); err != nil {
			d.log.Error("the endpoints have stopped; keys are rotated all the same", "error", err)
		}
	})
	d.log.Info("answering over HTTP", "address", l.Addr().String())
	return answering, nil
}

// reload takes the config in anew at each SIGHUP.
func (d *runner) reload(ctx context.Context, hangup <-chan os.Signal, old []*key) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		notifier{d.log}.reloading()
		d.trail.Reopen()
		listen := d.listen
		keys, err := d.reread()
		d.metrics.Reloaded(d.now(), err == nil)
		if err != nil {
			d.log.Error("the config is refused, the old one is kept", "error", err)
			notifier{d.log}.refused()
			continue
		}
		d.keys.Store(byName(keys))
		d.log.Info("the config was read again", "keys", len(keys))
		notifier{d.log}.ready(len(keys))
		if d.listen != listen {
			d.log.Warn("listen has changed: that counts from the next start")
		}
		if gone := dropped(old, keys); len(gone) > 0 {
			d.log.Warn("keys are no longer looked after: they are not rotated any more, and their previous keys will not be retired", "keys", gone)
		}
		old = keys
	}
}

// reread reads the config again, and lets the scheduler go on with it.
func (d *runner) reread() (keys []*key, err error) {
	defer bug.Catch(&err)
	conf, _, err := d.load()
	if err != nil {
		return nil, err
	}
	return d.take(conf)
}

// take makes a config the daemon's. Of one that is refused nothing counts.
func (d *runner) take(conf *config.Config) ([]*key, error) {
	keys := d.build(conf)
	if err := d.scheduler.Replace(schedulerKeys(keys)); err != nil {
		return nil, err
	}
	d.use(conf)
	return keys, nil
}

// live is every key as its last pass left it.
func (d *runner) live() iter.Seq[live.Key] {
	return func(yield func(live.Key) bool) {
		now, known := d.now(), *d.keys.Load()
		for _, s := range d.scheduler.States() {
			// While a reload is under way, one of the two may have a key that the other has not.
			if k := known[s.Key]; k != nil && !yield(live.Of(now, k.facts(), s)) {
				return
			}
		}
	}
}

// liveKey is one of them, at no cost of the others.
func (d *runner) liveKey(name string) (live.Key, bool) {
	k := (*d.keys.Load())[name]
	if k == nil {
		return live.Key{}, false
	}
	s, ok := d.scheduler.State(k.Environment, name)
	return live.Of(d.now(), k.facts(), s), ok
}

// lostEvent tells of events that the audit file does not have, once a minute:
// the log has each of them.
func (d *runner) lostEvent(err error) {
	now := time.Now().Unix()
	if last := d.told.Load(); now-last >= 60 && d.told.CompareAndSwap(last, now) {
		d.log.Error("an audit event could not be written to the audit file; this log has it", "error", err)
	}
}

func byName(keys []*key) *map[string]*key {
	m := make(map[string]*key, len(keys))
	for _, k := range keys {
		m[k.Name] = k
	}
	return &m
}

// facts is what the config says of a key, for its status.
func (k *key) facts() status.Facts {
	return status.Facts{Target: k.Target, Location: k.where, Algorithm: k.spec.Algorithm, Late: k.Sync, Warnings: k.warnings}
}

// buildVersion is what the metrics call this program.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(version, info.Main.Version, "(devel)")
	}
	return cmp.Or(version, "(devel)")
}
