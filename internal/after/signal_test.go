package after

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestSignalReachesAProcess(t *testing.T) {
	for name, want := range map[SignalName]string{"HUP": "hangup", "USR1": "user defined signal 1", "USR2": "user defined signal 2"} {
		t.Run(string(name), func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "shop.pid")
			child := exec.Command(os.Args[0], "act", "wait", pidFile)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(out)
			said.Scan()
			holds(t, Signal(pidFile, name).Try(t.Context())) // had it a signal from this, it would tell that one
			holds(t, Signal(pidFile, name).Wake(t.Context(), change))
			if said.Scan(); said.Text() != want {
				t.Errorf("it got %q, want %q", said.Text(), want)
			}
			if err := child.Wait(); err != nil {
				t.Fatal(err)
			}
			holds(t, Signal(pidFile, name).Wake(t.Context(), change), "signal "+string(name)+" to "+pidFile, "does the program run")
			holds(t, Signal(pidFile, name).Try(t.Context()), "signal "+string(name)+" to "+pidFile, "does the program run")
		})
	}
}

// Whoever can write a pid file chooses who gets the signal.
func TestSignalTrustsNoFileOfOthers(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"anyone may write it":  {own, 0o666, "only its owner can write"},
		"a group may":          {own, 0o664, "only its owner can write"},
		"empty":                {"", 0o644, "no process's number"},
		"init":                 {"1\n", 0o644, "no process's number"},
		"a group of processes": {"-" + own, 0o644, "no process's number"},
		"text":                 {"shop", 0o644, "no process's number"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pid")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			holds(t, Signal(path, "USR1").Wake(t.Context(), change), c.want)
			holds(t, Signal(path, "USR1").Try(t.Context()), c.want)
		})
	}
	holds(t, Signal(filepath.Join(t.TempDir(), "none"), "HUP").Wake(t.Context(), change), "no such file", "does the program run")
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, Signal(pipe, "HUP").Wake(t.Context(), change), "only its owner can write")
}

// Of a foreign user's file only that user's process is signalled.
func TestSignalOfAForeignFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(path, []byte("2147483646"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	holds(t, Signal(path, "USR1").Wake(t.Context(), change), "belongs to user 12345")
	holds(t, Signal(path, "USR1").Try(t.Context()), "belongs to user 12345")
}

// A link would let the user of a folder choose among the pid files of others, and a
// number that is none would be taken for a group of processes, or for all.
func TestSignalFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pid")
	if err := os.WriteFile(path, []byte("2147483646"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	holds(t, Signal(filepath.Join(dir, "link"), "USR1").Wake(t.Context(), change), "symbolic link")
	if err := os.Link(path, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	holds(t, Signal(path, "USR1").Wake(t.Context(), change), "one name")
	open := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777), os.WriteFile(filepath.Join(open, "pid"), []byte("2147483646"), 0o600)); err != nil {
		t.Fatal(err)
	}
	holds(t, Signal(filepath.Join(open, "pid"), "USR1").Wake(t.Context(), change), "others can put files into")
	for _, number := range []string{"4294967295", strconv.Itoa(os.Getpid())} { // as a pid_t the first is -1: everyone
		other := filepath.Join(t.TempDir(), "pid")
		if err := os.WriteFile(other, []byte(number), 0o600); err != nil {
			t.Fatal(err)
		}
		holds(t, Signal(other, "USR1").Wake(t.Context(), change), "no process's number")
	}
}
