package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const storyConfig = `environment: production
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, token_ttl: 15m, jitter: 0s}
keys:
  auth-jwt: {every: 90d}
`

// TestStory is a key's life as its operator sees it, word for word, in a bubble
// where time is as the story wants it: testdata/story.txt.
func TestStory(t *testing.T) {
	var story strings.Builder
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, storyConfig)
		say := func(stdin string, args ...string) {
			code, stdout, stderr := c.try(stdin, args...)
			fmt.Fprintf(&story, "$ rotate %s\n%s%s", strings.Join(args, " "), stdout, stderr)
			if code != 0 {
				fmt.Fprintf(&story, "[exit code %d]\n", code)
			}
			story.WriteString("\n")
		}
		wait := func(d time.Duration) {
			time.Sleep(d)
			fmt.Fprintf(&story, "— %s later —\n\n", d)
		}
		say("", "validate")
		say("", "status")
		say("", "now", "--dry-run")
		say("", "now")
		say("", "now", "--dry-run")
		wait(time.Hour)
		say("", "now", "--request", "INC-42")
		say("", "now", "--request", "INC-43")
		say("", "now", "--dry-run")
		say("", "status")
		say("", "plan", "--days", "100")
		wait(30 * time.Minute)
		say("", "now", "--request", "INC-42", "--wait")
		say("", "now", "--request", "INC-42")
		say("", "status", "-o", "json")
		wait(49 * time.Hour)
		say("", "status")
		say("", "run", "--once")
		say("", "status", "-o", "yaml")
		wait(95 * 24 * time.Hour)
		say("", "status")
		say("", "run", "--once")
		say("", "run", "--once")
		say("", "adopt", "auth-jwt", "--from-env", "no-such-file:X")
		say("abc", "adopt", "auth-jwt", "-")
	})
	golden(t, "story.txt", story.String())
}

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = norm(got, keepTimes)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", path, got)
	}
}
