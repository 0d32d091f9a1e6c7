package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
)

// TestWaitShowsProgress draws the wait on a terminal, and outlasts a store that
// is away for a while.
func TestWaitShowsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, storyConfig)
		c.do("now")
		before := c.set().Signing().Kid
		c.tty = true
		keys := filepath.Join(c.dir, "keys")
		go func() { // the volume is away when the daemon would look, and longer
			time.Sleep(50 * time.Minute)
			_ = os.Rename(keys, keys+".away")
			time.Sleep(100 * time.Minute)
			_ = os.Rename(keys+".away", keys)
		}()
		code, stdout, stderr := c.try("", "now", "--wait")
		if code != cli.Done || !strings.Contains(stdout, "rotated away from kid "+before[:12]) {
			t.Fatal(code, stdout, stderr)
		}
		for _, want := range []string{
			"auth-jwt: waiting, kid ", "begins to sign in 2h5m; Ctrl-C leaves it to the daemon\r",
			"waiting goes on", "is its volume mounted?",
		} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q is missing in\n%.2000s", want, strings.ReplaceAll(stderr, "\r", "\n"))
			}
		}
		if n := strings.Count(stderr, "warning: "); n != 1 {
			t.Errorf("%d warnings of one outage", n)
		}
		if last := stderr[len(stderr)-1]; last != '\r' && last != '\n' {
			t.Error("the progress was left on the screen")
		}
	})
}
