// Package examples holds services that use what rotate keeps, one a language,
// and the test that runs them side by side. Call e2e/consumers.sh.
package examples

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// config rotates each key every six seconds. With a propagation of 0s everyone
// has to read at use, as the services do.
const config = `environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, every: 6s, grace: 4s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 10s}}
keys: {shared: {algorithm: HS256}, pair: {algorithm: ES256}, rsa: {algorithm: PS256}}
`

const (
	rotations = 3
	life      = 3 * time.Second // of a token, as the services make them; within the grace
	deadline  = 90 * time.Second
)

// Services in four languages sign and verify each other's tokens while the
// daemon rotates their keys. No token is refused before it expires.
func TestFourLanguagesAgreeWhileKeysRotate(t *testing.T) {
	rotate := os.Getenv("ROTATE_CONSUMERS")
	if rotate == "" {
		t.Skip("needs Node, Python and Java with their libraries: run e2e/consumers.sh")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rotate.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil, rotate, "run")
	var wg sync.WaitGroup
	for _, key := range []string{"shared", "pair", "rsa"} {
		keyset := filepath.Join(dir, "keys", "test-"+key+".json")
		services := startServices(t, keyset)
		wg.Go(func() { agree(t, key, keyset, services) })
	}
	wg.Wait()
}

// commands are the services as e2e/consumers.sh has made them ready.
func commands() map[string][]string {
	return map[string][]string{
		"go":     {os.Getenv("ROTATE_CONSUMERS_GO")},
		"node":   {"node", os.Getenv("ROTATE_CONSUMERS_NODE")},
		"python": {os.Getenv("ROTATE_CONSUMERS_PYTHON"), "python/service.py"},
		"java":   {"java", "-cp", os.Getenv("ROTATE_CONSUMERS_JAVA"), "java/Service.java"},
	}
}

// startServices returns the services' addresses by language.
func startServices(t *testing.T, keyset string) map[string]string {
	t.Helper()
	addrs := map[string]string{}
	for language, command := range commands() {
		addr := freeAddr(t)
		start(t, ".", []string{"KEYSET=" + keyset, "ADDR=" + addr}, command...)
		addrs[language] = "http://" + addr
	}
	return addrs
}

// start runs a process until the test ends.
func start(t *testing.T, dir string, env []string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(command, " "), said)
		}
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A signed is a token, and who made it when.
type signed struct {
	token, by string
	at        time.Time
}

// agree lets every service sign, and every service verify, over and over, until
// the key was rotated often enough.
func agree(t *testing.T, key, file string, services map[string]string) {
	begin := time.Now()
	for language, base := range services {
		for _, err := get(base + "/token?sub=ready"); err != nil; _, err = get(base + "/token?sub=ready") {
			if time.Since(begin) > deadline {
				t.Errorf("%s, %s does not answer: %v", key, language, err)
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	var live []signed
	var kids []string
	verified := 0
	for len(kids) <= rotations {
		if time.Since(begin) > deadline {
			t.Errorf("%s: only %d keys have signed in %s", key, len(kids), deadline)
			return
		}
		if kid := signing(t, file); !slices.Contains(kids, kid) {
			kids = append(kids, kid)
		}
		for language, base := range services {
			token, err := get(base + "/token?sub=" + language)
			if err != nil {
				t.Errorf("%s: %s does not sign: %v", key, language, err)
				return
			}
			live = append(live, signed{token, language, time.Now()})
		}
		// A second before they expire, so that a slow machine refuses none.
		live = slices.DeleteFunc(live, func(s signed) bool { return time.Since(s.at) > life-2*time.Second })
		for _, s := range live {
			for language, base := range services {
				got, err := get(base + "/verify?token=" + url.QueryEscape(s.token))
				if err != nil && time.Since(s.at) > life-time.Second {
					continue // it has expired on the way
				}
				if err != nil || got != s.by {
					t.Errorf("%s: %s refuses a token that %s signed %s before: %q, %v", key, language, s.by, time.Since(s.at), got, err)
					return
				}
				verified++
			}
		}
	}
	t.Logf("%s: %d verifications of tokens of %d keys by %d services, none refused", key, verified, len(kids), len(services))
}

// signing is the kid that signs now.
func signing(t *testing.T, file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return ""
	}
	set, err := keyset.Parse(data)
	if err != nil {
		t.Error(err)
		return ""
	}
	return set.Signing().Kid
}

// get is the body of an answer with status 200.
func get(address string) (string, error) {
	response, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}
