//go:build unix

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/keyrotate/rotate/internal/dotenv"
)

// A write replaces a file by another one of its name. This file has what the new
// one has to have in common with the old one, and refuses, before anything is
// written, a file of which that cannot be had.

// mountHint is what to do about a file that is a mount point.
const mountHint = "the file is mounted by itself, as docker -v FILE:FILE does, and cannot be replaced: mount the folder that it lies in"

// replaceable refuses an output's file that a rename would take something from:
// its other names, its owner, or the mount that it is. It also refuses a .env file
// that readers differ on as a whole.
func (o *output) replaceable(path string, info fs.FileInfo, text []byte) error {
	stat := info.Sys().(*syscall.Stat_t)
	switch {
	case stat.Nlink > 1:
		return unsafe(fmt.Errorf("%s has %d names (hard links), and the others would keep the old key", path, stat.Nlink),
			fmt.Sprintf("make it a file of its own: cp -p %s %s.new && mv %s.new %s; let the others read it by this name, or make each an output", path, path, path, path))
	case int(stat.Uid) != os.Geteuid():
		return unsafe(fmt.Errorf("%s belongs to user %d and would belong to user %d afterwards", path, stat.Uid, os.Geteuid()),
			fmt.Sprintf("run rotate as user %d, or give the file to user %d", stat.Uid, os.Geteuid()))
	case isMount(path):
		return unsafe(fmt.Errorf("%s is a mount point", path), mountHint)
	}
	if o.vars == nil {
		return nil
	}
	var unfit *dotenv.Unfit
	if err := dotenv.Fit(text); errors.As(err, &unfit) {
		return unsafe(fmt.Errorf("%s: %w", path, err), unfit.Hint())
	}
	return nil
}

// like gives a new file what the old one at path has beyond its text: its group
// and mode where the config names none, and its extended attributes, of which one
// is its access control list.
func (o *output) like(path string, old found) (mode fs.FileMode, gid int, dress func(*os.File) error) {
	mode, gid = o.mode, o.gid
	if !old.there {
		return mode, gid, func(*os.File) error { return nil }
	}
	if o.keepMode {
		mode = old.perm
	}
	if gid < 0 {
		gid = old.gid
	}
	return mode, gid, func(f *os.File) error {
		if err := copyAttributes(path, f); err != nil && !errors.Is(err, fs.ErrNotExist) { // lastLook tells that it is gone
			return unsafe(fmt.Errorf("the access control list and other attributes of %s cannot be kept: %w", path, err),
				"let rotate run as a user that may set them, or take them off: setfacl -b "+path)
		}
		return nil
	}
}

// probeFile finds whether the file can be replaced, and whether a new file beside
// it can be made like it.
func (o *output) probeFile(p place) (err error) {
	old, err := o.find(p)
	if err != nil || !old.there {
		return err
	}
	temp, err := os.CreateTemp(o.dir, ".rotate-probe-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close(), os.Remove(temp.Name())) }()
	mode, gid, dress := o.like(p.head, old)
	if err := temp.Chown(-1, gid); gid >= 0 && err != nil {
		return err
	}
	return errors.Join(temp.Chmod(mode), dress(temp))
}
