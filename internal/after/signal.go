package after

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A SignalName is a signal that programs take as a wish to read again.
type SignalName string

// signals are the names that Signal takes.
var signals = map[SignalName]syscall.Signal{"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}

// SignalNames lists them.
func SignalNames() []SignalName { return slices.Sorted(maps.Keys(signals)) }

// Signal sends a signal to the process whose number a file holds. As with every pid
// file, a number that another process has by now is not noticed.
func Signal(pidFile string, name SignalName) Way {
	return func(context.Context, Change) error {
		e := &Error{Way: fmt.Sprintf("signal %s to %s", name, pidFile)}
		pid, err := pidIn(pidFile)
		if err == nil {
			err = send(pid, name)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, os.ErrProcessDone), errors.Is(err, syscall.ESRCH):
			e.Advice = "does the program run, and does it write this file?"
		case errors.Is(err, syscall.EPERM):
			e.Advice = "a process may be signalled by its own user and by root: let rotate run as one of them, or use systemd:"
		}
		e.Err = err
		return e
	}
}

func send(pid int, name SignalName) error {
	p, err := os.FindProcess(pid) // on Linux by a pidfd
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }() // it cannot fail
	return p.Signal(signals[name])
}

// pidIn reads a pid file that can be trusted: whoever writes it chooses who gets a
// signal that ends many programs.
func pidIn(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return 0, errors.New("it is no file that only its owner can write: chmod go-w")
	}
	text := make([]byte, 32)
	n, _ := f.Read(text) // nothing is no number
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil || pid <= 1 {
		return 0, errors.New("it holds no process's number")
	}
	return pid, owned(info, pid)
}

// owned refuses a file of a user who could not send the signal: it belongs to root,
// to this user, or to the user of the process.
func owned(info fs.FileInfo, pid int) error {
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner == 0 || int(owner) == os.Geteuid() {
		return nil
	}
	process, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	if err == nil && process.Sys().(*syscall.Stat_t).Uid == owner {
		return nil
	}
	return fmt.Errorf("it belongs to user %d, and process %d is not known to be theirs", owner, pid)
}
