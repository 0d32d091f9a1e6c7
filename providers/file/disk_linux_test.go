package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// A full disk is played by a tiny tmpfs in a mount namespace of its own.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, os.Mkdir(dir, 0o700))
	cmd := command(t, "full disk", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL):
		t.Skipf("no user namespaces here: %v", err)
	case err != nil:
		t.Fatalf("%v: %s", err, out)
	}
}

func childFullDisk(dir string) error {
	ctx := context.Background()
	page := os.Getpagesize()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", 3*page)); err != nil {
		return err
	}
	s, err := Config{Dir: dir}.Open(ctx)
	if err != nil {
		return err
	}

	// Head and witness take a page each, the junk the third: no room for an update.
	first, err := s.Write(ctx, name, providers.NewSecret([]byte("first")), "", providers.Note{})
	if err != nil {
		return err
	}
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, make([]byte, page), 0o600); err != nil {
		return err
	}
	_, err = s.Write(ctx, name, providers.NewSecret([]byte("second")), first.ID, providers.Note{})
	if !errors.Is(err, providers.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("an update on a full disk gives %w", err)
	}
	if got, err := s.Read(ctx, name); err != nil || got.ID != first.ID {
		return fmt.Errorf("after it the head is %q (%w)", got.ID, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "."+name+".json.tmp")); err == nil {
		return errors.New("a part of the new text is left")
	}

	// One page is free: the head of another name takes it, its witness finds none.
	if err := os.Remove(junk); err != nil {
		return err
	}
	_, err = s.Write(ctx, "other", providers.NewSecret([]byte("value")), "", providers.Note{})
	if !errors.Is(err, providers.ErrUnclear) || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("a create without room for the witness gives %w", err)
	}
	if _, err := s.Read(ctx, "other"); err != nil {
		return fmt.Errorf("after it, reading back: %w", err)
	}
	return nil
}
