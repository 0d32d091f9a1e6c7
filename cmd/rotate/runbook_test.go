package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// runbook runs the commands of one block as they stand, in the console's virtual
// time, and returns what each said. "|| test $? = N" is the exit code to expect.
func (c *console) runbook(file string, block int) (said []string) {
	c.t.Helper()
	doc, err := os.ReadFile(filepath.Join(runbooks, file))
	if err != nil {
		c.t.Fatal(err)
	}
	blocks := consoleBlock.FindAllStringSubmatch(string(doc), -1)
	if block > len(blocks) {
		c.t.Fatalf("%s has %d blocks", file, len(blocks))
	}
	for _, line := range consoleLine.FindAllStringSubmatch(blocks[block-1][1], -1) {
		command, code, _ := strings.Cut(line[1], " || test $? = ")
		words := strings.Fields(command)
		if words[0] != "rotate" {
			c.t.Fatalf("%s: %s is not run here", file, command)
		}
		got, stdout, stderr := c.try("", words[1:]...)
		if want := map[string]int{"": cli.Done, "1": cli.Failed, "3": cli.Attention}[code]; got != want {
			c.t.Errorf("%s: %s: exit code %d, want %d\n%s%s", file, command, got, want, stdout, stderr)
		}
		said = append(said, stdout+stderr)
	}
	return said
}

func (c *console) saw(said, want string) {
	c.t.Helper()
	if !strings.Contains(said, want) {
		c.t.Errorf("%q is missing in\n%s", want, said)
	}
}

func TestRunbookDaemonDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {auth-jwt: {store: disk, every: 20d}}\n")
		c.do("run", "--once")
		time.Sleep(30 * 24 * time.Hour)
		said := c.runbook("daemon-down.md", 1)
		c.saw(said[0], "overdue")
		c.saw(said[1], "begins to sign")
		c.saw(c.runbook("daemon-down.md", 2)[0], "published kid")
		time.Sleep(3 * time.Hour)
		said = c.runbook("daemon-down.md", 3)
		c.saw(said[0], "promoted kid")
		c.saw(said[1], "previous")
		if strings.Contains(said[1], "overdue") {
			t.Errorf("it is late still\n%s", said[1])
		}
	})
}

func TestRunbookRevokedPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, "environment: test\nstores: {main: {type: guarded}}\nkeys: {auth-jwt: {store: main, every: 20d}}\n")
		g := &guarded{Store: memory.New()}
		c.stores = stores.Registry{"guarded": func() providers.Config { return g }}
		c.do("run", "--once")
		time.Sleep(19 * 24 * time.Hour)
		g.readOnly = true
		said := c.runbook("revoked-permission.md", 1)
		c.saw(said[0], "healthy")
		c.saw(said[1], "permission denied")
		time.Sleep(3 * 24 * time.Hour)
		if code, _, stderr := c.try("", "run", "--once"); code != cli.Failed || !strings.Contains(stderr, "permission denied") || !strings.Contains(stderr, "still signs") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		g.readOnly = false
		c.runbook("revoked-permission.md", 2)
		said = c.runbook("revoked-permission.md", 3)
		c.saw(said[0], "published kid")
		c.saw(said[1], "next")
	})
}

// guarded is a store on which the right to write can be taken away.
type guarded struct {
	providers.Store
	readOnly bool
}

func (g *guarded) Open(context.Context) (providers.Store, error) { return g, nil }

func (g *guarded) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	if g.readOnly {
		return providers.Revision{}, &providers.Error{Op: "write", Name: name, Kind: providers.ErrDenied}
	}
	return g.Store.Write(ctx, name, v, after, n)
}
