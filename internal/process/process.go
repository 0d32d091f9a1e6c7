package process

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/keyrotate/rotate/internal/journal"
)

// Interruptible is done at the first SIGINT or SIGTERM. The second one ends the
// process, as it does where nobody listens.
func Interruptible() (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// IsTerminal tells whether a stream is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// IsJournal tells whether a stream is standard error, and that systemd's journal.
func IsJournal(stream any) bool { return stream == any(os.Stderr) && journal.Stderr() }

// Size is how many columns and lines of characters a terminal has; 80 and 24 if it does not tell.
func Size(stream any) (columns, lines int) {
	if file, ok := stream.(*os.File); ok {
		if columns, lines, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 && lines > 0 {
			return columns, lines
		}
	}
	return 80, 24
}

// Password reads a line from a terminal that does not show it. If ctx is done, the
// terminal shows what is typed again, and the error is why.
func Password(ctx context.Context, stream any) ([]byte, error) {
	file, ok := stream.(*os.File)
	if !ok {
		return nil, errors.New("this is no terminal")
	}
	fd := int(file.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type typed struct {
		text []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- typed{text, err}
	}()
	select {
	case t := <-done:
		return t.text, t.err
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}
