package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/endpoint"
)

// A Listener is an endpoint whose address is open. It is safe for concurrent use.
type Listener struct {
	endpoint.Endpoint
	net.Listener
	certificate atomic.Pointer[tls.Certificate] // nil where nothing is encrypted
	tokens      atomic.Pointer[tokens]          // nil where no token is asked for
}

// Listen opens every address, or none. Its error names all that cannot be opened.
func Listen(ctx context.Context, all []endpoint.Endpoint) (open []*Listener, err error) {
	for _, e := range all {
		l, failed := listen(ctx, e)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		open = append(open, l)
	}
	if err != nil {
		for _, l := range open {
			_ = l.Close()
		}
		return nil, err
	}
	return open, nil
}

func listen(ctx context.Context, e endpoint.Endpoint) (*Listener, error) {
	l := &Listener{Endpoint: e}
	if err := l.Reread(); err != nil {
		return nil, err
	}
	if e.Network == "unix" {
		if err := vacate(ctx, e.Where); err != nil {
			return nil, err
		}
	}
	var opener net.ListenConfig
	opened, err := opener.Listen(ctx, e.Network, e.Where)
	if err != nil {
		return nil, err
	}
	l.Listener = opened
	if e.Network == "unix" { // until here the umask of 077 lets only this user in
		if err := os.Chmod(e.Where, e.Mode); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// vacate removes a socket that a process has left behind which was killed. It
// removes nothing else, and no socket at which somebody answers.
func vacate(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return &net.OpError{Op: "listen", Net: "unix", Err: fmt.Errorf("%s is there, and it is no socket: %w", path, syscall.EEXIST)}
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(&net.OpError{Op: "listen", Net: "unix", Err: fmt.Errorf("another process answers at %s: %w", path, syscall.EADDRINUSE)}, c.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// Opened is the address as it was opened: with a port where port 0 was asked for.
func (l *Listener) Opened() string {
	if l.Network == "unix" {
		return l.Address.String()
	}
	return l.Addr().String()
}

// loopback reports whether web pages reach the address by the loopback alone.
func (l *Listener) loopback() bool {
	if l.Listener == nil {
		return false
	}
	tcp, ok := l.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
