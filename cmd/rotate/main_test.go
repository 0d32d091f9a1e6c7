package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/stores/builtin"
	"github.com/keyrotate/rotate/rotation/engine"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// TestMain makes the test binary a rotate when it is called by that name: the
// scripts, the races and the kills run real processes.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "rotate" {
		goleak.VerifyTestMain(m)
		return
	}
	if a := held(); a != nil {
		os.Exit(a.Main())
	}
	main()
}

// registry is rotate's own types of stores, for tests that add to them.
func registry() stores.Registry {
	r, err := stores.NewRegistry(builtin.Types()...)
	if err != nil {
		panic(err)
	}
	return r
}

// binary is the test binary under the name of rotate.
func binary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rotate")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// norm replaces what differs from run to run.
func norm(text string, o normOption) string {
	rules := []struct{ from, to string }{
		{`sha-256:[0-9a-f]{64}`, "DIGEST"},
		{`\b[0-9a-f]{40}\b`, "COMMIT"},
		{`\b[0-9a-f]{32}\b`, "REVISION"},
		{`\b[a-z2-7]{26}\b`, "KID"},
		{`\b[A-Z2-7]{26}\b`, "ID"},
		{`\b[A-Za-z0-9_-]{43}\b`, "THUMBPRINT"},
		{`[A-Za-z0-9_-]{12}…`, "KID…"},
		{`[^ "]+@[^ "]+ pid \d+`, "USER@HOST pid N"},
		{`/[^ "]*/(rotate\.yaml|keys)\b`, "DIR/$1"},
	}
	if o == dropTimes {
		rules = append(rules, []struct{ from, to string }{
			{`(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`, "DAY TIME"},
			{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`, "TIME"},
			{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
			{`\((in [0-9a-z]+|[0-9a-z]+ ago|now)\)`, "(REL)"},
			{`, [0-9a-z]+ left`, ", REL left"},
		}...)
	}
	for _, r := range rules {
		text = regexp.MustCompile(r.from).ReplaceAllString(text, r.to)
	}
	return text
}

type normOption bool

const (
	keepTimes normOption = false
	dropTimes normOption = true
)

// A console is an app in this process, for tests that need its clock.
type console struct {
	t   *testing.T
	dir string

	stores stores.Registry // nil for the real ones
	tty    bool            // standard error is a terminal
	asks   bool            // and so is standard input
	all    bytes.Buffer    // everything that was said, but for what get prints
}

func newConsole(t *testing.T, config string) *console {
	t.Helper()
	c := &console{t: t, dir: t.TempDir()}
	c.write("rotate.yaml", config)
	return c
}

func (c *console) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) read(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// try runs a command and returns its exit code and what it said.
func (c *console) try(stdin string, args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := c.app(strings.NewReader(stdin), &out, &errs)
	code = a.Run(context.Background(), append(args, "-c", filepath.Join(c.dir, "rotate.yaml")))
	if args[0] != "get" && args[0] != "generate" {
		c.all.Write(out.Bytes())
	}
	c.all.Write(errs.Bytes())
	return code, out.String(), errs.String()
}

// app is the one that the console's commands run in.
func (c *console) app(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	a := cli.New(registry())
	a.Stdin, a.Stdout, a.Stderr = stdin, stdout, stderr
	a.Getenv = func(string) string { return "" }
	a.IsTerminal = func(f any) bool { return (c.tty || c.asks) && f == any(stderr) || c.asks && f == any(a.Stdin) }
	a.Actor = "tester@host pid 1"
	if c.stores != nil {
		a.Types = c.stores
	}
	return a
}

// daemonTo is a daemon of the console's config with this log, which does nothing yet.
func (c *console) daemonTo(log *slog.Logger) *daemon.Daemon {
	c.t.Helper()
	types := c.stores
	if types == nil {
		types = registry()
	}
	d, err := daemonAt(filepath.Join(c.dir, "rotate.yaml"), types, log)
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// daemonAt is a daemon of the config at a path, which does nothing yet.
func daemonAt(path string, types stores.Registry, log *slog.Logger) (*daemon.Daemon, error) {
	return daemon.New(daemon.Options{
		Host: hostOf(log),
		Read: func() (*config.Config, error) { return config.Load(path, types) },
	})
}

// hostOf is this process for operations, with a log.
func hostOf(log *slog.Logger) ops.Host {
	return ops.Host{
		Now: time.Now, Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "tester@host pid 1",
		Trail: &audit.File{}, Log: log, Lost: func(error) {},
	}
}

// quiet is the log of what tells nothing.
var quiet = slog.New(slog.DiscardHandler)

// ends is try for commands that have to end with this exit code.
func (c *console) ends(want int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	code, stdout, stderr := c.try("", args...)
	if code != want {
		c.t.Errorf("rotate %s: %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout, stderr
}

// do is try for commands that have to succeed.
func (c *console) do(args ...string) string {
	c.t.Helper()
	code, stdout, stderr := c.try("", args...)
	if code != cli.Done {
		c.t.Fatalf("rotate %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}
