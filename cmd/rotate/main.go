// Command rotate rotates the keys that sign and verify tokens. Each command has
// a file of its own; what they share is in app.go. This package is the only
// place that names concrete services, in stores.go.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // CRON_TZ= on hosts and in containers that have no zones

	"golang.org/x/term"

	"github.com/keyrotate/rotate/internal/journal"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/stores/builtin"
	"github.com/keyrotate/rotate/rotation/engine"
)

func main() {
	os.Exit(start(system()))
}

// start is a whole process: hardened, interruptible, with an exit code.
func start(a *app) int {
	a.hardened = harden()
	ctx, stop := interruptible()
	defer stop()
	return a.run(ctx, os.Args[1:])
}

// interruptible is done at the first SIGINT or SIGTERM. The second one ends the
// process, as it does where nobody listens.
func interruptible() (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// system is the app on this host.
func system() *app {
	clock := &engine.SystemClock{}
	return &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv,
		now:    time.Now, clock: clock.Now, newID: rand.Text,
		isTerminal: func(f any) bool {
			file, ok := f.(*os.File)
			return ok && term.IsTerminal(int(file.Fd()))
		},
		isJournal: func(f any) bool { return f == any(os.Stderr) && journal.Stderr() },
		columns: func(f any) int {
			if file, ok := f.(*os.File); ok {
				if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
					return width
				}
			}
			return 80
		},
		actor:  actor(),
		stores: registry(),
	}
}

// registry is every type of store that a config can name.
func registry() stores.Registry {
	r, err := stores.NewRegistry(builtin.Types()...)
	if err != nil {
		panic(err)
	}
	return r
}
