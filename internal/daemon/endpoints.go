package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/usage"
)

// server answers from what the last passes saw.
func (d *Daemon) server() *serve.Server {
	return &serve.Server{Now: d.Host.Now, Keys: d.live, Key: d.liveKey, Unseen: d.scheduler.Unseen, Metrics: d.metrics.Handler(), Log: d.Host.Log, Count: d.metrics}
}

// Handler is the endpoints.
func (d *Daemon) Handler() http.Handler { return d.server().Handler() }

// answer begins to answer over HTTP, until ctx is done.
func (d *Daemon) answer(ctx context.Context) (*sync.WaitGroup, error) {
	answering := &sync.WaitGroup{}
	where, err := d.addresses()
	if err != nil {
		return nil, err
	}
	if d.listeners, err = serve.Listen(ctx, where); err != nil {
		return nil, notOpened(err)
	}
	server, log := d.server(), d.Host.Log
	for _, l := range d.listeners {
		answering.Go(func() {
			if err := server.Run(ctx, l); err != nil {
				log.Error("the endpoints have stopped; keys are rotated all the same", "address", l.Opened(), "error", err)
			}
		})
		log.Info("answering over HTTP", "address", l.Opened(), "serves", l.Serve, "tls", l.TLS())
	}
	return answering, nil
}

// addresses is where to answer: what was asked for at the start, else what the
// config says.
func (d *Daemon) addresses() ([]endpoint.Endpoint, error) {
	if d.Listen == "" {
		return d.listen, nil
	}
	address, err := endpoint.Parse(d.Listen, "")
	if err != nil {
		return nil, &usage.Error{Msg: fmt.Sprintf("the endpoints: what --listen says %v; nothing was begun", err), Hint: endpoint.Hint(d.Listen)}
	}
	return []endpoint.Endpoint{endpoint.Of(address)}, nil
}

// notOpened says what to do about addresses that cannot be opened, and about files
// that they need.
func notOpened(err error) error {
	failed := fmt.Errorf("the endpoints: %w; nothing was begun", err)
	file, ok := errors.AsType[*fs.PathError](err)
	if !ok || errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		failed = say.Hint(failed, "another process has that address, or this host has no such: change `listen` or --listen")
	}
	if ok {
		failed = say.Hint(failed, "let the user that rotate runs as read "+file.Path+", or name another file in the config")
	}
	return failed
}

// rereadEvery is how often the files of endpoints are read by themselves:
// certificates are renewed weeks before they end, and where they are mounted
// nobody sends a signal.
const rereadEvery = time.Hour

// renew reads the files of endpoints again, until ctx is done.
func (d *Daemon) renew(ctx context.Context) {
	every := time.NewTicker(rereadEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			d.rereadFiles(ctx)
		}
	}
}

// rereadFiles keeps what was read before where a file cannot be used.
func (d *Daemon) rereadFiles(ctx context.Context) {
	_, err := within(ctx, "a file of the endpoints", func() (none struct{}, err error) {
		for _, l := range d.listeners {
			if err := l.Reread(); err != nil {
				d.Host.Log.Error("a file of the endpoints cannot be used, what it held before is kept", "address", l.Opened(), "error", err)
			}
		}
		return none, nil
	})
	if err != nil && ctx.Err() == nil {
		d.Host.Log.Error("what the files of the endpoints held before is kept", "error", err)
	}
}
