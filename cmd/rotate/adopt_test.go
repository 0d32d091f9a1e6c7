package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
)

// TestAdoptIsInterrupted: Ctrl-C ends a command that waits for someone to type,
// and what was typed until then is not taken.
func TestAdoptIsInterrupted(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n")
	typed, keyboard := io.Pipe()
	defer keyboard.Close()
	go func() { _, _ = keyboard.Write([]byte("half-a-secret")) }()
	ctx, interrupt := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { interrupt(errors.New("interrupt signal received")) })
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- c.app(typed, io.Discard, &stderr).Run(ctx, []string{"adopt", "one", "-", "-c", filepath.Join(c.dir, "rotate.yaml")})
	}()
	select {
	case code := <-ended:
		if code != cli.Failed || !strings.Contains(stderr.String(), "interrupt signal received; nothing was changed") {
			t.Errorf("%d %s", code, stderr.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on waiting")
	}
	if _, out, _ := c.try("", "status"); !strings.Contains(out, "there is no keyset yet") {
		t.Error(out)
	}
}

// TestAdoptAgain: asked once more, it says where the replacement stands.
func TestAdoptAgain(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n")
	if _, out, stderr := c.try("abc123", "adopt", "one", "-"); !strings.Contains(out, "publishes a new key, which begins to sign 2h5m later") {
		t.Fatal(out, stderr)
	}
	c.do("run", "--once")
	next, _ := c.set().Next()
	if _, out, stderr := c.try("abc123", "adopt", "one", "-"); !strings.Contains(out, "by kid "+next.Kid[:12]) || strings.Contains(out, "the next pass") {
		t.Error(out, stderr)
	}
}

// TestWeakAsLongAsItVerifies: another rotation within the grace of a weak key
// does not take back that it is weak, although it is long enough.
func TestWeakAsLongAsItVerifies(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk, propagation: 0s}}\n")
	c.try("12345678901234567890123456789012", "adopt", "one", "-")
	weak := c.set().Signing().Kid
	c.do("run", "--once")
	for range 3 {
		c.try("", "now")
		if code, out, _ := c.try("", "status"); code != cli.Attention || !strings.Contains(out, "the adopted kid "+weak[:12]+"… is weak and still verifies until") {
			t.Error(code, out)
		}
	}
}

// TestNextIsNotKnownYet: where an output has no next key yet, no one says that
// its readers know it.
func TestNextIsNotKnownYet(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk, propagation: 0s, outputs: [{format: list, path: ./list.json}]}}\n")
	c.write("list.json", "[\"a stranger's\"]")
	c.try("", "now")
	_, out, stderr := c.try("", "now")
	if !strings.Contains(out, "does not sign yet; not seen in every place yet") || strings.Contains(out, "known to readers") {
		t.Error(out, stderr)
	}
}
