//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// lock waits for the lock file until the context ends. The kernel holds the
// lock, by flock(2), so it dies with its process: there are no stale locks to
// break. It excludes other processes and other goroutines alike, because each
// call opens the file anew.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	const longest = 50 * time.Millisecond
	told := time.AfterFunc(time.Second, func() {
		providers.Waiting(ctx, fmt.Sprintf("another process holds the lock %s for more than a second; it is waited for", shown(path)))
	})
	defer told.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		f, err := tryLock(path)
		if err != nil {
			return nil, err
		}
		if f != nil {
			return func() { f.Close() }, nil
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, ended(ctx)
		}
	}
}

// tryLock returns nil where the lock is held, or where the file that it locked
// is no longer the one that others find: somebody removed or replaced it while
// we opened it.
func tryLock(path string) (*os.File, error) {
	// guard incident 9: a lock is the kernel's and not a file that is left over
	f, err := openFile(path, os.O_RDWR|os.O_CREATE, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && same(f, path) {
		return f, nil
	}
	f.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, nil
	}
	return nil, &os.PathError{Op: "flock", Path: path, Err: err}
}

// same tells whether f is what lies at path.
func same(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Lstat(path)
	return err == nil &&
		// guard incident 8: a lock is the file that others find
		os.SameFile(ours, theirs)
}
