package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
)

// What a terminal is told (ECMA-48, and xterm's second screen).
const (
	secondScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l" // without a cursor, and a line stays one line
	firstScreen  = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	fromTheTop   = "\x1b[H"
	restOfLine   = "\x1b[K"
	restOfScreen = "\x1b[J"
)

// Watch shows a text on a second screen of the terminal, made anew after each time, until ctx is done. Then the first
// screen is back, with the last text. height is how many lines the terminal has at the moment.
func (c *Console) Watch(ctx context.Context, every time.Duration, height func() int, text func(context.Context) (string, error)) error {
	if err := c.Write(secondScreen); err != nil {
		return err
	}
	last := ""
	for {
		made, err := text(ctx)
		if ctx.Err() != nil { // what was made may tell of nothing but that
			break
		}
		if err == nil {
			last = made
			err = c.Write(frame(last, height()))
		}
		if err != nil {
			return errors.Join(err, c.Write(firstScreen))
		}
		if ops.Pause(ctx, every) != nil {
			break
		}
	}
	return c.Write(firstScreen + last)
}

// frame is a text on a screen of so many lines.
func frame(text string, height int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if height > 1 && len(lines) > height {
		lines = append(lines[:height-1], fmt.Sprintf("… %d lines more", len(lines)-height+1))
	}
	return fromTheTop + strings.Join(lines, restOfLine+"\n") + restOfLine + restOfScreen
}
