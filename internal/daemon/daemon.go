// Package daemon is `rotate run`: it rotates every key of a config on its schedule,
// answers over HTTP, reads its config again at SIGHUP, and tells a service manager
// how it does.
package daemon

import (
	"context"
	"iter"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/metrics"
	"github.com/keyrotate/rotate/internal/notify"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// Options are what a daemon takes from the process around it.
type Options struct {
	Host ops.Host // its Event and Lost are the daemon's own

	Read     func() (*config.Config, error) // reads the config, at the start and at each SIGHUP
	Listen   string                         // an address that answers everything; "" for those of the config
	Version  string                         // for the metrics
	KeepGC   bool                           // whoever started this process has set GOGC
	Hardened error                          // why the process is less guarded than it should be; nil if it is not
	Beat     func()                         // a sign of life, at least once a minute; nil if no one waits for one

	Transport http.RoundTripper // carries notifications; nil for the network
}

// A Daemon keeps the keys of one config. It is safe for concurrent use.
type Daemon struct {
	Options
	metrics   *metrics.Metrics
	scheduler *scheduler.Scheduler
	listen    []endpoint.Endpoint                   // of the config that counts
	listeners []*serve.Listener                     // that answer; set before anything reads it
	keys      atomic.Pointer[map[string]*fleet.Key] // of the config as it is now, by name
	told      atomic.Int64                          // when a lost audit event was spoken of last
	notify    *notify.Notifier
	turned    atomic.Pointer[time.Time] // when the scheduler gave its last sign of life
}

// New reads the config, and begins nothing. Its errors are those of Read, and those
// of a config that the scheduler refuses.
func New(o Options) (*Daemon, error) {
	d := &Daemon{Options: o}
	d.metrics = metrics.New(o.Version, d.live)
	d.Host.Event, d.Host.Lost = d.metrics.Event, d.lostEvent
	conf, err := o.Read()
	if err != nil {
		return nil, err
	}
	d.scheduler = scheduler.New(d.Host.Engine(), scheduler.Options{Tell: say.Notices(d.Host.Log), Beat: d.beat})
	d.notify = d.teller()
	if _, err := d.take(conf); err != nil {
		return nil, err
	}
	d.metrics.Reloaded(d.Host.Now(), true)
	return d, nil
}

// Run makes a daemon and runs it until ctx is done, and what is being written has
// come to its end.
func Run(ctx context.Context, o Options) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before anything takes time: unnoticed, it would end the process
	defer signal.Stop(hangup)
	log := o.Host.Log
	manager := notifier{log}
	o.Beat = manager.watchdog(ctx)
	d, err := New(o)
	if err != nil {
		return err
	}
	if d.Hardened != nil {
		log.Warn("this process is less guarded than it should be", "error", d.Hardened)
	}
	answering, err := d.answer(ctx)
	if err != nil {
		return err
	}
	reloads, done := context.WithCancel(ctx)
	defer done()
	go d.reload(reloads, hangup)
	go d.calmDown(reloads)
	go d.renew(reloads)
	context.AfterFunc(ctx, manager.stopping)
	keys := len(*d.keys.Load())
	log.Info("rotate is at work", "actor", d.Host.Actor, "keys", keys)
	manager.ready(keys)
	err = d.Rotate(ctx)
	answering.Wait()
	if err != nil {
		return err
	}
	log.Info("rotate has stopped; nothing is left half done")
	return nil
}

// Rotate is Run without signals, endpoints and service manager.
func (d *Daemon) Rotate(ctx context.Context) error {
	rotated, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		d.notify.Run(ctx, rotated)
	}()
	err := d.scheduler.Run(ctx)
	close(rotated)
	<-told
	return err
}

// take makes a config the daemon's. Of one that is refused nothing counts.
func (d *Daemon) take(conf *config.Config) ([]*fleet.Key, error) {
	keys := fleet.Of(conf, func(store string) stores.Count { return d.metrics.Calls(store) })
	named, schedule := make(map[string]*fleet.Key, len(keys)), make([]scheduler.Key, 0, len(keys))
	for _, k := range keys {
		named[k.Name] = k
		schedule = append(schedule, k.Schedule())
	}
	if err := d.scheduler.Replace(schedule); err != nil {
		return nil, err
	}
	d.listen = conf.Listen
	d.Host.Trail.Use(conf.AuditFile)
	d.keys.Store(&named)
	d.notify.Use(conf.Notify)
	return keys, nil
}

// calmDown waits until every key was looked at. From then on this process does
// next to nothing for months, so memory is dearer to its host than processor
// time: what the start took is given back, and garbage is kept to a quarter of
// what lives, unless whoever started it has said how much.
func (d *Daemon) calmDown(ctx context.Context) {
	for {
		if _, unseen, _ := d.scheduler.Unseen(); unseen == 0 {
			break
		}
		if ops.Pause(ctx, time.Second) != nil {
			return
		}
	}
	if !d.KeepGC {
		debug.SetGCPercent(25)
	}
	debug.FreeOSMemory()
}

// live is every key as its last pass left it.
func (d *Daemon) live() iter.Seq[live.Key] {
	return func(yield func(live.Key) bool) {
		now, known := d.Host.Now(), *d.keys.Load()
		for _, s := range d.scheduler.States() {
			// While a reload is under way, one of the two may have a key that the other has not.
			if k := known[s.Key]; k != nil && !yield(live.Of(now, ops.Facts(k), s)) {
				return
			}
		}
	}
}

// liveKey is one of them, at no cost of the others.
func (d *Daemon) liveKey(name string) (live.Key, bool) {
	k := (*d.keys.Load())[name]
	if k == nil {
		return live.Key{}, false
	}
	s, ok := d.scheduler.State(k.Environment, name)
	return live.Of(d.Host.Now(), ops.Facts(k), s), ok
}

// lostEvent tells of events that the audit file does not have, once a minute:
// the log has each of them. All of them are counted.
func (d *Daemon) lostEvent(err error) {
	d.metrics.AuditFailed()
	now := time.Now().Unix()
	if last := d.told.Load(); now-last >= 60 && d.told.CompareAndSwap(last, now) {
		d.Host.Log.Error("an audit event could not be written to the audit file; this log has it", "error", err)
	}
}
