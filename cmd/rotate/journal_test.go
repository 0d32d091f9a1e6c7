package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where standard error is the journal, each line has its priority, and is text
// unless JSON is asked for.
func TestTheJournalGetsPriorities(t *testing.T) {
	const good = "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n"
	for _, c := range []struct {
		name, config string
		args         []string
		want         string
	}{
		{"text", good, []string{"now", "--log-format", "auto"}, "<6>audit key=one store=disk secret=test-one action=command"},
		{"JSON", good, []string{"now", "--log-format", "json"}, `<6>{"time":"`},
		{"a bad config", "keys: {one: {stroe: disk}}\n", []string{"run"}, "<3>rotate.yaml:1:"},
		{"a bad command line", good, []string{"now", "two"}, "<3>rotate: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "rotate.yaml"), []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			said := asJournal(t, dir, c.args...)
			if !strings.HasPrefix(said, c.want) {
				t.Errorf("%q, want %q at the start", said, c.want)
			}
			for line := range strings.Lines(said) {
				if line[0] != '<' {
					t.Errorf("a line without priority: %q", line)
				}
			}
		})
	}
}

// asJournal runs a command as systemd does, and returns what its journal gets.
func asJournal(t *testing.T, dir string, args ...string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t), args...)
	cmd.Dir, cmd.Stderr = dir, file
	cmd.Env = append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
	_ = cmd.Run() // what it says counts
	said, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}
