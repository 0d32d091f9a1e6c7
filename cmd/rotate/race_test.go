package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const racers = 16

// TestPromise5ManyProcessesAtOnce lets 16 processes ask for a rotation of one
// key. Each reads the head, and none goes on before all have: the worst that
// can happen.
func TestPromise5ManyProcessesAtOnce(t *testing.T) {
	for _, c := range []struct {
		name        string
		propagation string
		full        bool // there is a key already
		args        []string
		generations uint64 // after the race
	}{
		{"request, empty store", "0s", false, []string{"--request", "X"}, 1},
		{"request, full store", "0s", true, []string{"--request", "X"}, 3},
		{"no id, empty store", "0s", false, nil, 1},
		{"no id, full store", "0s", true, nil, 3},
		{"request, published only", "2h", true, []string{"--request", "X"}, 2},
		{"no id, published only", "2h", true, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			con := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {k: {store: disk, propagation: "+c.propagation+"}}\n")
			before := ""
			if c.full {
				con.do("now")
				before = con.set().Signing().Kid
			}
			outs := race(t, con.dir, c.args)
			set := con.set()
			if set.Generation != c.generations {
				t.Errorf("generation %d, want %d", set.Generation, c.generations)
			}
			if c.full && c.propagation == "0s" && (len(set.Previous()) != 1 || set.Previous()[0].Kid != before) {
				t.Errorf("the key from before the race is not the only previous one")
			}
			told := 0
			for _, out := range outs {
				head, _, _ := strings.Cut(out, "\n")
				if strings.Contains(head, " created it at ") || strings.Contains(head, " asked") || strings.Contains(head, "another process") {
					told++
				}
			}
			if told != racers-1 {
				t.Errorf("%d of %d tell who did it:\n%s", told, racers, strings.Join(outs, "\n"))
			}
		})
	}
}

// TestRetriedRequest repeats a request once it is served.
func TestRetriedRequest(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {k: {store: disk, propagation: 0s}}\n")
	c.do("now", "--request", "A")
	c.do("now", "--request", "B")
	generation := c.set().Generation
	for _, id := range []string{"A", "B"} {
		if out := c.do("now", "--request", id); !strings.Contains(out, `request "`+id+`" was served already; tester@host pid 1 asked at`) {
			t.Error(out)
		}
	}
	if g := c.set().Generation; g != generation {
		t.Errorf("generation %d after %d", g, generation)
	}
}

// set reads the console's only keyset.
func (c *console) set() *keyset.Set {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "keys", "*.json"))
	if err != nil || len(files) != 1 {
		c.t.Fatal(files, err)
	}
	doc, err := os.ReadFile(files[0])
	if err != nil {
		c.t.Fatal(err)
	}
	set, err := keyset.Parse(doc)
	if err != nil {
		c.t.Fatal(err)
	}
	return set
}

// race starts the processes, lets all of them read, and returns what each said.
func race(t *testing.T, dir string, args []string) []string {
	t.Helper()
	rotate := binary(t)
	arrived, arrive, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmds := make([]*exec.Cmd, racers)
	outs := make([]bytes.Buffer, racers)
	for i := range cmds {
		cmds[i] = exec.Command(rotate, append([]string{"now", "-c", filepath.Join(dir, "rotate.yaml")}, args...)...)
		cmds[i].Env = append(os.Environ(), "ROTATE_TEST_BARRIER=1")
		cmds[i].ExtraFiles = []*os.File{arrive, gate}
		cmds[i].Stdout, cmds[i].Stderr = &outs[i], &outs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	arrive.Close() // so that the pipe ends if one of them does
	if _, err := io.ReadFull(arrived, make([]byte, racers)); err != nil {
		t.Errorf("not all got as far as reading: %v", err)
	}
	open.Close()
	var said []string
	for i := range cmds {
		if err := cmds[i].Wait(); err != nil {
			t.Errorf("%v: %s", err, outs[i].String())
		}
		said = append(said, outs[i].String())
	}
	gate.Close()
	arrived.Close()
	return said
}

// held is a rotate that waits at its first read of a head: it says on file 3 that
// it has read, and goes on when file 4 is closed. It is nil if nobody asks for that.
func held() *cli.App {
	if os.Getenv("ROTATE_TEST_BARRIER") == "" {
		return nil
	}
	arrive, gate := os.NewFile(3, "arrive"), os.NewFile(4, "gate")
	once := sync.OnceFunc(func() {
		_, _ = arrive.Write([]byte{1})
		arrive.Close()
		_, _ = io.Copy(io.Discard, gate)
	})
	types := registry()
	types["file"] = func() providers.Config { return &barrierConfig{pass: once} }
	return cli.New(types)
}

type barrierConfig struct {
	file.Config
	pass func()
}

func (c *barrierConfig) Open(ctx context.Context) (providers.Store, error) {
	s, err := c.Config.Open(ctx)
	return &barrierStore{s, c.pass}, err
}

type barrierStore struct {
	providers.Store
	pass func()
}

func (s *barrierStore) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := s.Store.Read(ctx, name)
	s.pass()
	return rev, err
}
