package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
)

// TestDaemonAnswersAtSeveralAddresses: each address answers what the config says,
// and a token that is replaced counts from SIGHUP.
func TestDaemonAnswersAtSeveralAddresses(t *testing.T) {
	sockets, err := os.MkdirTemp("", "http") // a socket's path has about 100 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	socket := filepath.Join(sockets, "s")
	c := newConsole(t, `environment: test
listen:
- {address: "127.0.0.1:0", serve: [probes]}
- {address: "unix:`+socket+`", serve: [keys]}
- {address: "127.0.0.1:0", serve: [reports], token_file: token}
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys: {one: {}, two: {algorithm: ES256}}
`)
	c.write("token", "the-first-token-of-all\n")
	cmd := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := &logReader{t: t, lines: bufio.NewScanner(stderr)}
	var where []string
	for range 3 {
		var answering struct{ Address string }
		if err := json.Unmarshal([]byte(log.until("answering over HTTP")), &answering); err != nil {
			t.Fatal(err)
		}
		where = append(where, answering.Address)
	}
	log.until("rotate is at work")
	ask := func(network, address, path, token string) int {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	want := func(network, address, path, token string, code int) {
		t.Helper()
		if got := ask(network, address, path, token); got != code {
			t.Errorf("%s at %s: %d, want %d", path, address, got, code)
		}
	}
	for ask("tcp", where[0], "/readyz", "") != 200 { //nolint:revive // until every key was read
	}
	want("tcp", where[0], "/healthz", "", 200)
	want("tcp", where[0], "/status", "", 404)
	if where[1] != "unix:"+socket {
		t.Error(where[1])
	}
	want("unix", socket, "/keys/two/jwks.json", "", 200)
	want("unix", socket, "/metrics", "", 404)
	want("tcp", where[2], "/metrics", "", 401)
	want("tcp", where[2], "/status", "the-first-token-of-all", 200)

	c.write("token", "spoilt\n")
	log.hangup(cmd)
	if line := log.until("a file of the endpoints cannot be used, what it held before is kept"); !strings.Contains(line, "token, line 1 is no token") || strings.Contains(line, "spoilt") {
		t.Error(line)
	}
	log.until("the config was read again")
	want("tcp", where[2], "/status", "the-first-token-of-all", 200)
	c.write("token", "the-second-token-of-all\n")
	log.hangup(cmd)
	log.until("the config was read again")
	want("tcp", where[2], "/status", "the-first-token-of-all", 401)
	want("tcp", where[2], "/status", "the-second-token-of-all", 200)

	if err := cmd.Process.Kill(); err != nil { // leaves the socket behind
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	_ = cmd.Wait()
	again := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	if stderr, err = again.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	(&logReader{t: t, lines: bufio.NewScanner(stderr)}).until("rotate is at work")
	_ = again.Process.Kill()
	_, _ = io.Copy(io.Discard, stderr)
	_ = again.Wait()
}

// TestListenFilesAreMissing: a daemon that cannot guard what it was told to guard
// does not begin, and says all that is missing.
func TestListenFilesAreMissing(t *testing.T) {
	c := newConsole(t, `environment: test
listen:
- {address: "127.0.0.1:0", token_file: no-token, tls: {cert_file: no-cert, key_file: no-key}}
- {address: "192.0.2.1:1"}
stores: {disk: {type: file, dir: ./keys}}
keys: {one: {store: disk}}
`)
	code, _, stderr := c.try("", "run")
	for _, part := range []string{"no-token", "no-cert", "listen tcp 192.0.2.1:1", "nothing was begun", "hint: another process has that address", "hint: let the user that rotate runs as read"} {
		if code != cli.Failed || !strings.Contains(stderr, part) {
			t.Errorf("%d, without %q:\n%s", code, part, stderr)
		}
	}
}
