package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A watch draws what is new after each time, and leaves the terminal as it was, with the last text.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		c := &Console{Stdout: &out}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		n := 0
		err := c.Watch(ctx, 10*time.Second, func() int { return 3 }, func(context.Context) (string, error) {
			n++
			return fmt.Sprintf("look %d\na\nb\nc\n", n), nil
		})
		if err != nil || n != 3 {
			t.Fatalf("%d looks: %v", n, err)
		}
		got := out.String()
		for text, want := range map[string]int{secondScreen: 1, firstScreen: 1, "look 1": 1, "look 2": 1, "look 3": 2, "… 2 lines more": 3, fromTheTop: 3} {
			if n := strings.Count(got, text); n != want {
				t.Errorf("%q is there %d times, want %d: %q", text, n, want, got)
			}
		}
		if !strings.HasSuffix(got, firstScreen+"look 3\na\nb\nc\n") {
			t.Errorf("at the end: %q", got)
		}
	})
}

// What fails, or is interrupted, gives the terminal back, and draws nothing of it.
func TestWatchEnds(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		fails error
		stops bool
		want  error
	}{"failed": {fails: broken, want: broken}, "interrupted in a look": {stops: true}} {
		var out strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		err := (&Console{Stdout: &out}).Watch(ctx, time.Hour, func() int { return 24 }, func(context.Context) (string, error) {
			if c.stops {
				cancel()
			}
			return "half a look", c.fails
		})
		cancel()
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) || out.String() != secondScreen+firstScreen {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
}

// A frame has the height of its terminal, and no rest of what stood there.
func TestFrame(t *testing.T) {
	for _, c := range []struct {
		lines, height int
		last          string
	}{{3, 3, "2"}, {4, 3, "… 2 lines more"}, {4, 1, "3"}, {1, 24, "0"}} {
		var text strings.Builder
		for i := range c.lines {
			fmt.Fprintln(&text, i)
		}
		got := frame(text.String(), c.height)
		if !strings.HasPrefix(got, fromTheTop) || !strings.HasSuffix(got, c.last+restOfLine+restOfScreen) || c.height > 1 && strings.Count(got, "\n") >= c.height {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
