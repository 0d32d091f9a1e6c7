package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// TestDaemonReloads starts a daemon, breaks its config, mends it, and ends it,
// each as soon as its log says that it is time.
func TestDaemonReloads(t *testing.T) {
	const good = "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n"
	c := newConsole(t, good)
	cmd := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := &logReader{t: t, lines: bufio.NewScanner(stderr)}
	log.until("rotate is at work")
	log.until("audit one create")

	c.write("rotate.yaml", "environment: test\nkeys: {one: {stroe: disk}}\n")
	log.hangup(cmd)
	if line := log.until("the config is refused, the old one is kept"); !strings.Contains(line, `"level":"ERROR"`) || !strings.Contains(line, "stroe") {
		t.Error(line)
	}
	c.write("rotate.yaml", strings.Replace(good, "keys: {", "keys: {two: {store: disk}, ", 1))
	log.hangup(cmd)
	log.until("the config was read again")
	log.until("audit two create")

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log.until("rotate has stopped; nothing is left half done")
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestDaemonWithoutAStore keeps running, comes to its key when the store is
// there, and says which keys a new config leaves.
func TestDaemonWithoutAStore(t *testing.T) {
	const bad = "environment: test\nstores: {disk: {type: file, dir: ./rotate.yaml}}\nkeys: {one: {store: disk}}\n"
	c := newConsole(t, bad)
	cmd := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := &logReader{t: t, lines: bufio.NewScanner(stderr)}
	log.until("rotate is at work")
	if line := log.until("the key halted: a person has to look"); !strings.Contains(line, `"next_look":"`) {
		t.Error("a duration in nanoseconds:", line)
	}
	c.write("rotate.yaml", strings.Replace(bad, "dir: ./rotate.yaml", "dir: ./keys", 1))
	log.hangup(cmd)
	log.until("audit one create")
	c.write("rotate.yaml", strings.NewReplacer("dir: ./rotate.yaml", "dir: ./keys", "one:", "two:").Replace(bad))
	log.hangup(cmd)
	const gone = "keys are no longer looked after: they are not rotated any more, and their previous keys will not be retired"
	if line := log.until(gone); !strings.Contains(line, "test/one (store disk, ") {
		t.Error(line)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A config that is well-formed and refused all the same leaves the daemon as it
// was: neither its audit file nor its address is switched.
func TestARefusedReloadSwitchesNothing(t *testing.T) {
	const old = "environment: test\nlisten: 127.0.0.1:1\naudit: {file: old.jsonl}\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n"
	c := newConsole(t, old)
	d := &runner{app: c.app(strings.NewReader(""), io.Discard, io.Discard), log: slog.New(slog.DiscardHandler)}
	d.configPath = filepath.Join(c.dir, "rotate.yaml")
	if _, err := d.prepare(nil); err != nil {
		t.Fatal(err)
	}
	uses := func(when, listen, file string) {
		t.Helper()
		if got := d.trail.Path(); d.listen != listen || filepath.Base(got) != file {
			t.Errorf("%s: listens on %s, audits to %s", when, d.listen, got)
		}
	}
	c.write("rotate.yaml", strings.NewReplacer(":1\n", ":2\n", "old.jsonl", "new.jsonl").Replace(old))
	conf, _, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	sync := conf.Keys[0].Sync
	conf.Keys[0].Sync = 0 // the scheduler knows better than whoever has let this pass
	if _, err := d.take(conf); err == nil {
		t.Error("the scheduler takes a key without a sync")
	}
	uses("refused", "127.0.0.1:1", "old.jsonl")
	conf.Keys[0].Sync = sync
	if _, err := d.take(conf); err != nil {
		t.Error(err)
	}
	uses("taken", "127.0.0.1:2", "new.jsonl")
}

// A logReader reads the daemon's log.
type logReader struct {
	t     *testing.T
	lines *bufio.Scanner
}

// until reads up to a message; audit lines are "audit KEY ACTION".
func (l *logReader) until(want string) string {
	l.t.Helper()
	for l.lines.Scan() {
		var line struct{ Msg, Key, Action string }
		if err := json.Unmarshal(l.lines.Bytes(), &line); err != nil {
			l.t.Fatalf("not a JSON log: %s", l.lines.Text())
		}
		got := line.Msg
		if got == "audit" {
			got += " " + line.Key + " " + line.Action
		}
		if got == want {
			return l.lines.Text()
		}
	}
	l.t.Fatalf("the log ended before %q", want)
	return ""
}

func (l *logReader) hangup(cmd *exec.Cmd) {
	l.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		l.t.Fatal(err)
	}
}

// A daemon that has nothing to do any more is sparing with memory, but not
// against the word of whoever started it.
func TestADaemonCalmsDown(t *testing.T) {
	for _, c := range []struct {
		gogc string
		want int
	}{{"", 25}, {"100", 70}} {
		before := debug.SetGCPercent(70)
		d := &runner{
			app:       &app{getenv: func(string) string { return c.gogc }},
			scheduler: scheduler.New(&engine.Engine{Clock: new(engine.SystemClock).Now}, scheduler.Options{}),
		}
		d.calmDown(t.Context())
		if got := debug.SetGCPercent(before); got != c.want {
			t.Errorf("GOGC=%q: %d percent, want %d", c.gogc, got, c.want)
		}
	}
}

// Nor does one that has not looked at every key yet: it is about to need what it
// would give back.
func TestADaemonIsNotCalmBeforeEveryLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := debug.SetGCPercent(70)
		d := &runner{
			app:       &app{getenv: func(string) string { return "" }},
			scheduler: scheduler.New(&engine.Engine{Clock: new(engine.SystemClock).Now}, scheduler.Options{}),
		}
		if err := d.scheduler.Replace([]scheduler.Key{{Target: engine.Target{Name: "k"}, Sync: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		d.calmDown(ctx)
		if got := debug.SetGCPercent(before); got != 70 {
			t.Errorf("%d percent", got)
		}
	})
}
