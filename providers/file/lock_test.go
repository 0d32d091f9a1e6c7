//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
)

func TestIncident08LockIsFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, c := range []struct {
		name   string
		happen func()
		want   bool
	}{
		{"nothing happens", func() {}, true},
		{"the file is removed", func() { must(t, os.Remove(path)) }, false},
		{"the file is replaced", func() {
			must(t, os.Rename(path, path+"-old"))
			must(t, os.WriteFile(path, nil, 0o600))
		}, false},
		{"a link is in its place", func() {
			must(t, os.Rename(path, path+"-old"))
			must(t, os.Symlink(path+"-old", path))
		}, false},
	} {
		must(t, remove(path))
		f, err := tryLock(path)
		must(t, err)
		if f == nil {
			t.Fatalf("%s: a free lock is held", c.name)
		}
		if second, err := tryLock(path); err != nil || second != nil {
			t.Errorf("%s: the lock was got twice (%v)", c.name, err)
		}
		c.happen()
		if got := same(f, path); got != c.want {
			t.Errorf("%s: the same lock: %v", c.name, got)
		}
		f.Close()
	}
}

// Whoever removes a lock file does not keep others from locking, and the lock
// file that they make is one for all.
func TestIncident08LockFileRemoved(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	p := files(t, s, name)
	rev := write(t, s, name, "first", "")
	must(t, os.Remove(p.lock))
	rev = write(t, s, name, "second", rev.ID)
	must(t, os.Rename(p.lock, p.lock+"-old"))
	must(t, os.WriteFile(p.lock, nil, 0o600))
	write(t, s, name, "third", rev.ID)
}

// A writer waits for the lock as long as its context lets it, and does nothing
// if it does not get it.
func TestWaitForLock(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	p := files(t, s, name)
	rev := write(t, s, name, "first", "")
	unlock, err := lock(t.Context(), p.lock)
	must(t, err)

	gaveUp := errors.New("the operator gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Write(ctx, name, providers.NewSecret([]byte("late")), rev.ID, providers.Note{})
		ended <- err
	}()
	cancel(gaveUp)
	err = <-ended
	fails(t, err, gaveUp)
	fails(t, err, providers.ErrUnavailable)

	go func() {
		_, err := s.Write(soon(t), name, providers.NewSecret([]byte("second")), rev.ID, providers.Note{})
		ended <- err
	}()
	unlock()
	must(t, <-ended)
}

// The lock dies with its process, and a process that is only frozen keeps it.
func TestIncident09HolderDies(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	rev := write(t, s, name, "first", "")
	holder := start(t, "hold", s.dir)
	if got := holder.line(t); got != "held" {
		t.Fatalf("the child says %q", got)
	}
	must(t, holder.Process.Signal(syscall.SIGSTOP))
	if f, err := tryLock(files(t, s, name).lock); err != nil || f != nil {
		t.Errorf("a frozen holder lost its lock (%v)", err)
	}
	must(t, holder.Process.Kill())
	_ = holder.Wait() // killed
	if _, err := s.Write(soon(t), name, providers.NewSecret([]byte("second")), rev.ID, providers.Note{}); err != nil {
		t.Errorf("after the holder's death: %v", err)
	}
}

func childHolds(dir string) error {
	if _, err := lock(context.Background(), filepath.Join(dir, "."+name+".json.lock")); err != nil {
		return err
	}
	fmt.Println("held")
	select {}
}

// Whoever waits for a lock says so after a second, once.
func TestWaitingForALockIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		held, err := lock(t.Context(), path)
		must(t, err)
		told := make(chan string, 9)
		ctx := providers.TellWaiting(t.Context(), func(what string) { told <- what })
		got := make(chan error)
		go func() {
			unlock, err := lock(ctx, path)
			if err == nil {
				unlock()
			}
			got <- err
		}()
		time.Sleep(990 * time.Millisecond)
		synctest.Wait()
		if len(told) != 0 {
			t.Error(<-told)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n, what := len(told), <-told; n != 1 || !strings.Contains(what, path) {
			t.Error(n, what)
		}
		held()
		must(t, <-got)
	})
}
