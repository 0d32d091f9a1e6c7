package main

import (
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
)

const leakConfig = `environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {auth-jwt: {}}
`

// On a terminal it asks, and only yes is an answer.
func TestACompromiseIsAskedOnATerminal(t *testing.T) {
	for answer, code := range map[string]int{"": cli.Failed, "no\n": cli.Failed, "y\n": cli.Failed, "yes\n": cli.Done} {
		c := newConsole(t, leakConfig)
		c.do("now")
		before := c.do("get", "--format", "value")
		c.asks = true
		got, _, stderr := c.try(answer, "now", "--compromised", "auth-jwt")
		if got != code || !strings.Contains(stderr, "Revoke kid ") || !strings.Contains(stderr, "of key auth-jwt? Type yes to go on: ") {
			t.Errorf("%q: exit code %d, want %d\n%s", answer, got, code, stderr)
		}
		if code != cli.Done && !strings.Contains(stderr, "not confirmed; nothing was changed") {
			t.Errorf("%q: %s", answer, stderr)
		}
		if same := c.do("get", "--format", "value") == before; same != (code != cli.Done) {
			t.Errorf("%q: the key is the same: %v", answer, same)
		}
	}
}
