package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
)

// A secret goes to a terminal only where --show says so; public keys and a dry look at a file need no word.
func TestGetOnATerminal(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {k: {store: disk, algorithm: ES256}}\n")
	c.do("now")
	for _, try := range []struct {
		code int
		args string
	}{
		{cli.Usage, "get k"}, {cli.Usage, "get k --format keyset"}, {cli.Usage, "get k -o json"},
		{cli.Done, "get k --show"}, {cli.Done, "get k --format jwks"}, {cli.Done, "get k --format pem -o json"},
	} {
		var out, errs bytes.Buffer
		a := c.app(strings.NewReader(""), &out, &errs)
		a.IsTerminal = func(f any) bool { return f == any(&out) }
		code := a.Run(t.Context(), append(strings.Fields(try.args), "-c", filepath.Join(c.dir, "rotate.yaml")))
		if code != try.code || code == cli.Usage && (strings.Contains(out.String(), "PRIVATE") || !strings.Contains(errs.String(), "--show")) {
			t.Errorf("%s: exit code %d\n%s%s", try.args, code, out.String(), errs.String())
		}
	}
}

// A watch sees what changes between its looks, and ends with the code of the last one.
func TestStatusWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {k: {store: disk, propagation: 0s}}\n")
		watch := func(ctx context.Context) (int, string) {
			var out, errs bytes.Buffer
			a := c.app(strings.NewReader(""), &out, &errs)
			a.IsTerminal = func(f any) bool { return f == any(&out) }
			a.Size = func(any) (int, int) { return 100, 40 }
			code := a.Run(ctx, []string{"status", "--watch=10s", "-c", filepath.Join(c.dir, "rotate.yaml")})
			return code, out.String() + errs.String()
		}
		time.AfterFunc(15*time.Second, func() { c.try("", "now") })
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		code, got := watch(ctx)
		if missing, healthy := strings.Count(got, "1 key: 1 missing"), strings.Count(got, "1 key: 1 healthy"); code != cli.Done || missing != 2 || healthy != 2 {
			t.Errorf("exit code %d, missing %d times, healthy %d times:\n%s", code, missing, healthy, got)
		}
		if code, got := watch(ctx); code != cli.Done || strings.Contains(got, "key") {
			t.Errorf("ended before the first look: exit code %d:\n%s", code, got)
		}
	})
}
