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
func Signal(pidFile string, name SignalName) *Way {
	// Signal 0 is sent to nobody, and fails as any other would: kill(2).
	to := func(s syscall.Signal) error {
		pid, owner, err := pidIn(pidFile)
		if err != nil {
			return err
		}
		return send(pid, owner, s)
	}
	return &Way{
		Name:   fmt.Sprintf("signal %s to %s", name, pidFile),
		wake:   func(context.Context, Change) error { return to(signals[name]) },
		try:    func(context.Context) error { return to(0) },
		advice: unsent,
	}
}

// unsent is what to do about a signal that could not be sent.
func unsent(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, os.ErrProcessDone), errors.Is(err, syscall.ESRCH):
		return "does the program run, and does it write this file?"
	case errors.Is(err, syscall.EPERM):
		return "a process may be signalled by its own user and by root: let rotate run as one of them, or use systemd:"
	}
	return ""
}

// send signals a process of the user who chose it. It takes hold of the process before
// it looks at its user, so that the number cannot become another's in between.
func send(pid int, owner uint32, s syscall.Signal) error {
	p, err := os.FindProcess(pid) // on Linux by a pidfd
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }() // it cannot fail
	if owner != 0 && int(owner) != os.Geteuid() {
		process, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
		if err != nil || process.Sys().(*syscall.Stat_t).Uid != owner {
			return fmt.Errorf("it belongs to user %d, and process %d is not known to be theirs", owner, pid)
		}
	}
	return p.Signal(s)
}

// pidIn reads a pid file that can be trusted, and whose it is: whoever writes it chooses
// who gets a signal that ends many programs. So no link is followed, also none of the
// file system's own (a second name), and a file of root's or of this user's has to be in
// a folder in which nobody else could have put it.
func pidIn(path string) (pid int, owner uint32, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) // a pipe would wait for its writer
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 || stat.Nlink != 1 {
		return 0, 0, errors.New("it is no file of one name that only its owner can write: chmod go-w")
	}
	if stat.Uid == 0 || int(stat.Uid) == os.Geteuid() {
		if err := ownFolder(filepath.Dir(path)); err != nil {
			return 0, 0, err
		}
	}
	text := make([]byte, 32)
	n, _ := f.Read(text) // nothing is no number
	number, err := strconv.ParseInt(strings.TrimSpace(string(text[:n])), 10, 32)
	if err != nil || number <= 1 || int(number) == os.Getpid() {
		return 0, 0, errors.New("it holds no process's number, or that of rotate")
	}
	return int(number), stat.Uid, nil
}

// ownFolder refuses a folder in which another user could have put a file.
func ownFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner != 0 && int(owner) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("others can put files into %s, so the file has to belong to the user of the process", dir)
	}
	return nil
}
