package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
)

// TestDaemonAnswers is the endpoints of a real process on the loopback, with the
// file of its audit events, which is moved away and begun anew at SIGHUP.
func TestDaemonAnswers(t *testing.T) {
	c := newConsole(t, `environment: test
listen: 127.0.0.1:0
audit: {file: audit.jsonl}
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys: {one: {}, two: {algorithm: ES256}}
`)
	cmd := exec.Command(binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := &logReader{t: t, lines: bufio.NewScanner(stderr)}
	var answering struct{ Address string }
	if err := json.Unmarshal([]byte(log.until("answering over HTTP")), &answering); err != nil {
		t.Fatal(err)
	}
	log.until("rotate is at work")
	base := "http://" + answering.Address
	var ready string
	for code := 0; code != http.StatusOK; { // the passes end after what they tell
		code, ready = fetch(t, base+"/readyz")
	}
	if ready != "ready: 2 keys\n" {
		t.Errorf("%q", ready)
	}
	for path, want := range map[string]string{
		"/healthz":               "ok",
		"/status":                `"key": "one"`,
		"/":                      `<b>one</b>`,
		"/keys/two/jwks.json":    `"alg":"ES256"`,
		"/.well-known/jwks.json": `"alg":"ES256"`,
		"/metrics":               `rotate_key_events_total{action="create",key="one",store="disk"} 1`,
	} {
		if code, body := fetch(t, base+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want %s:\n%s", path, code, want, body)
		}
	}
	if code, _ := fetch(t, base+"/keys/one/jwks.json"); code != http.StatusNotFound {
		t.Errorf("a symmetric key is answered with %d", code)
	}

	trail := filepath.Join(c.dir, "audit.jsonl")
	if err := os.Rename(trail, trail+".1"); err != nil {
		t.Fatal(err)
	}
	c.write("rotate.yaml", strings.Replace(c.read("rotate.yaml"), "keys: {", "keys: {three: {}, ", 1))
	log.hangup(cmd)
	log.until("audit three create")
	for name, key := range map[string]string{"audit.jsonl.1": "one", "audit.jsonl": "three"} {
		if text := c.read(name); strings.Count(text, `"key":"`+key+`"`) != 1 {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if info, err := os.Stat(trail); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log.until("rotate has stopped; nothing is left half done")
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func fetch(t *testing.T, url string) (code int, body string) {
	t.Helper()
	resp, err := http.Get(url) //nolint:noctx,gosec // the loopback
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestListenIsTaken: a daemon that cannot answer as it was told to does not begin.
func TestListenIsTaken(t *testing.T) {
	c := newConsole(t, "environment: test\nlisten: 192.0.2.1:1\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n")
	code, _, stderr := c.try("", "run")
	if code != cli.Failed || !strings.Contains(stderr, "the endpoints: listen tcp 192.0.2.1:1") || !strings.Contains(stderr, "hint: ") {
		t.Errorf("%d %s", code, stderr)
	}
}

// TestListenIsNoAddress: a slip of the pen is a mistake of usage, and no other
// process is blamed for it.
func TestListenIsNoAddress(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n")
	for _, address := range []string{"9797", "127.0.0.1:99999"} {
		code, _, stderr := c.try("", "run", "--listen", address)
		if code != cli.Usage || !strings.Contains(stderr, "hint: ") || strings.Contains(stderr, "another process") {
			t.Errorf("%s: %d %s", address, code, stderr)
		}
	}
}
