// Package console is how the command line talks: answers go to standard output, and
// everything else to standard error. It asks before something cannot be undone, and
// shows how a wait goes. The rules are written on top of package say's Voice.
package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say"
)

// A Console is the streams of one command.
type Console struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time
	IsTerminal     func(any) bool // of one of the three streams
	Voice          *say.Voice     // of Stderr

	// Changes collects the answers about keys for a program. It is nil where they
	// are written as text, each as soon as it is there.
	Changes *form.Changes
}

// Heads says in a line each what was answered for a program so far.
func (c *Console) Heads() (heads []string) {
	if c.Changes != nil {
		for _, f := range c.Changes.Keys {
			heads = append(heads, f.Base().Message)
		}
	}
	return heads
}

// ErrAttention ends a command that has said all there is to say: it is done, but a
// person should look.
var ErrAttention = errors.New("something needs attention")

// Attention is ErrAttention if it is needed.
func Attention(needed bool) error {
	if needed {
		return ErrAttention
	}
	return nil
}

// ErrTold ends a command that failed and has said so.
var ErrTold = errors.New("failed, as told above")

// Told reports whether all there is to say about an error was said.
func Told(err error) bool { return errors.Is(err, ErrTold) || errors.Is(err, ErrAttention) }

// Tell says an error; of a bug also where it is.
func (c *Console) Tell(err error) {
	c.Voice.Error(err)
	if caught, ok := errors.AsType[*bug.Panic](err); ok {
		c.Voice.Block(strings.Join(caught.Stack, "\n"))
	}
}

// Write writes an answer to standard output.
func (c *Console) Write(text string) error {
	_, err := io.WriteString(c.Stdout, text)
	return Unwritten(err)
}

// Print writes material, with a line end where it has none and a person or a
// shell's $(…) reads it; neither minds.
func (c *Console) Print(material []byte) error {
	if n := len(material); n == 0 || material[n-1] != '\n' {
		material = append(material, '\n')
	}
	_, err := c.Stdout.Write(material)
	return Unwritten(err)
}

// ErrUnwritten is in the error of an answer that could not be written.
var ErrUnwritten = errors.New("the answer could not be written")

// Unwritten is the error of an answer that could not be written, or nil. What it
// would have said has happened all the same; heads say what.
func Unwritten(err error, heads ...string) error {
	switch {
	case err == nil:
		return nil
	case len(heads) == 0:
		return fmt.Errorf("%w: %w", ErrUnwritten, err)
	}
	return fmt.Errorf("%w: %w; what it says holds all the same: %s", ErrUnwritten, err, strings.Join(heads, "; "))
}
