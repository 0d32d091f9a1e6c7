package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
	const gone = "the new config leaves keys out: nobody rotates them any more, and nobody removes their previous keys"
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
