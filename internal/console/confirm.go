package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

// ErrDeclined ends a command that was not confirmed.
var ErrDeclined = errors.New("not confirmed; nothing was changed")

// Confirm says what is about to happen, to standard error, and goes on only if
// someone types yes, or has said so on the command line.
func (c *Console) Confirm(ctx context.Context, notice answer.Answer, yes bool, question string) error {
	if yes {
		c.Voice.Block(notice.Text)
		return nil
	}
	if !c.IsTerminal(c.Stdin) || !c.IsTerminal(c.Stderr) {
		return usage.New(question+"? This wants a yes, and there is no terminal to ask on; nothing was changed", "look at it with --dry-run, then repeat the command with --yes")
	}
	c.Voice.Block(notice.Text)
	fmt.Fprintf(c.Voice, "%s? Type yes to go on: ", question)
	text, _ := UnlessInterrupted(ctx, func() (string, error) { return bufio.NewReader(c.Stdin).ReadString('\n') })
	switch {
	case strings.TrimSpace(text) == "yes":
		return nil
	case ctx.Err() != nil:
		c.Voice.Block("")
	}
	return ErrDeclined
}

// UnlessInterrupted is what a read of standard input gives, or nothing and why
// ctx is done. The read itself cannot be interrupted; the process ends with it.
func UnlessInterrupted[T any](ctx context.Context, read func() (T, error)) (got T, err error) {
	type result struct {
		got T
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := read()
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		return r.got, r.err
	case <-ctx.Done():
		return got, context.Cause(ctx)
	}
}
