package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/usage"
)

// server answers from what the last passes saw.
func (d *Daemon) server() *serve.Server {
	return &serve.Server{Now: d.Host.Now, Keys: d.live, Key: d.liveKey, Unseen: d.scheduler.Unseen, Metrics: d.metrics.Handler(), Log: d.Host.Log}
}

// Handler is the endpoints.
func (d *Daemon) Handler() http.Handler { return d.server().Handler() }

// answer begins to answer over HTTP, until ctx is done.
func (d *Daemon) answer(ctx context.Context) (*sync.WaitGroup, error) {
	answering := &sync.WaitGroup{}
	address := cmp.Or(d.Listen, d.listen)
	if address == "" {
		return answering, nil
	}
	var listener net.ListenConfig
	l, err := listener.Listen(ctx, "tcp", address)
	if errno := syscall.Errno(0); err != nil && !errors.As(err, &errno) { // the system was not even asked
		return nil, &usage.Error{Msg: fmt.Sprintf("the endpoints: %v; nothing was begun", err), Hint: "an address is such as 127.0.0.1:9797, or :9797 for every address of the host"}
	}
	if err != nil {
		return nil, say.Hint(fmt.Errorf("the endpoints: %w; nothing was begun", err), "another process has that port, or this host has no such address: change `listen` or --listen")
	}
	server, log := d.server(), d.Host.Log
	answering.Go(func() {
		if err := server.Run(ctx, l); err != nil {
			log.Error("the endpoints have stopped; keys are rotated all the same", "error", err)
		}
	})
	log.Info("answering over HTTP", "address", l.Addr().String())
	return answering, nil
}
