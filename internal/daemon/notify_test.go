package daemon

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// A service manager that does not read holds up nothing.
func TestDeafServiceManager(t *testing.T) {
	dir, err := os.MkdirTemp("", "notify") // a socket's path has about 100 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	t.Setenv("NOTIFY_SOCKET", manager.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "180000000")
	beat := notifier{slog.New(slog.DiscardHandler)}.watchdog(t.Context())
	for range 100_000 { // more than a socket keeps
		beat()
	}
	b := make([]byte, 100)
	if n, err := manager.Read(b); err != nil || string(b[:n]) != "WATCHDOG=1" {
		t.Error(string(b[:n]), err)
	}
}
