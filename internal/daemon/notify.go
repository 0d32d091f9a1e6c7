package daemon

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/keyrotate/rotate/internal/say"
)

// A notifier tells a service manager how the daemon is, by sd_notify(3). Where
// there is none, each call does nothing.
type notifier struct{ log *slog.Logger }

func (n notifier) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.Warn("the service manager could not be told", "error", err)
	}
}

// ready says that the daemon is at work, with this config.
func (n notifier) ready(keys int) {
	n.send(fmt.Sprintf("%s\nSTATUS=rotating %s", daemon.SdNotifyReady, say.Plural(keys, "key")))
}

// reloading goes before ready. Its time tells the manager which of several
// signals it answers.
func (n notifier) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return // not reached on Linux; without the time the message is refused
	}
	n.send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
}

// refused says that the old config goes on.
func (n notifier) refused() {
	n.send(daemon.SdNotifyReady + "\nSTATUS=the config on disk is refused, the one before it is kept; the log says why")
}

func (n notifier) stopping() { n.send(daemon.SdNotifyStopping) }

// watchdog returns what to call as a sign of life, nil if no one waits for one.
// The scheduler calls it at each turn, which comes at least once a minute: a
// unit's WatchdogSec= has to be longer. A manager that does not read what it is
// told blocks whoever tells it, so that is another goroutine, until ctx is done.
func (n notifier) watchdog(ctx context.Context) (beat func()) {
	if every, err := daemon.SdWatchdogEnabled(false); err != nil || every == 0 {
		return nil
	}
	beats := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-beats:
				n.send(daemon.SdNotifyWatchdog)
			}
		}
	}()
	return func() {
		select {
		case beats <- struct{}{}:
		default: // one waits to be told already
		}
	}
}
