package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A service manager is told when the daemon is ready, that it reads its config
// again and what came of it, that it is alive, and that it stops.
func TestServiceManagerIsTold(t *testing.T) {
	const good = "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n"
	c := newConsole(t, good)
	manager := listenAsManager(t)
	cmd := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String(), "WATCHDOG_USEC=180000000")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(stderr)) }()

	told(t, manager, "READY=1\nSTATUS=rotating 1 key")
	told(t, manager, "WATCHDOG=1")
	c.write("rotate.yaml", "environment: test\nkeys: {one: {stroe: disk}}\n")
	send(t, cmd, syscall.SIGHUP)
	told(t, manager, "RELOADING=1\nMONOTONIC_USEC=")
	told(t, manager, "READY=1\nSTATUS=the config on disk is refused")
	c.write("rotate.yaml", strings.Replace(good, "keys: {", "keys: {two: {store: disk}, ", 1))
	send(t, cmd, syscall.SIGHUP)
	told(t, manager, "RELOADING=1")
	told(t, manager, "READY=1\nSTATUS=rotating 2 keys")
	send(t, cmd, syscall.SIGTERM)
	told(t, manager, "STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// listenAsManager is the other end of NOTIFY_SOCKET.
func listenAsManager(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // a socket's path has about 100 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// told reads up to a message that begins so.
func told(t *testing.T, manager *net.UnixConn, want string) {
	t.Helper()
	b := make([]byte, 4096)
	for {
		n, err := manager.Read(b)
		if err != nil {
			t.Fatalf("no message %q: %v", want, err)
		}
		if got := string(b[:n]); strings.HasPrefix(got, want) {
			return
		} else if got != "WATCHDOG=1" {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
}

func send(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestGroupReachesItsKeys: docs/install-systemd.md lets an application read by
// its group; nothing between / and the files may keep it out.
func TestGroupReachesItsKeys(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/rotate.service")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(unit), "\nStateDirectoryMode=")
	text, _, _ := strings.Cut(rest, "\n")
	mode, err := strconv.ParseUint(text, 8, 32)
	if !found || err != nil || mode != 0o711 { // to pass is enough, and to list is too much
		t.Errorf("the state directory has mode %q (%v), want 0711", text, err)
	}
}
