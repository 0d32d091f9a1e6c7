//go:build unix

package file

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/keyrotate/rotate/providers"
)

// dress makes of an error what a Store returns.
func dress(err *error, op, name string) {
	if *err == nil {
		return
	}
	e := providers.Error{Err: *err}
	if known := (*providers.Error)(nil); errors.As(*err, &known) {
		e = *known
	} else {
		e.Hint, e.Kind = kindOf(*err)
		e.Err = worded{*err}
	}
	e.Op, e.Name = op, name
	*err = &e
}

// kindOf is the table from errno, see errno(3), to kinds and what to do.
func kindOf(err error) (hint string, kind error) {
	for _, row := range []struct {
		errno syscall.Errno
		kind  error
		hint  string
	}{
		{syscall.EACCES, providers.ErrDenied, "run rotate as the user that the directory belongs to"},
		{syscall.EPERM, providers.ErrDenied, "the user that runs rotate must be a member of the store's group"},
		{syscall.EROFS, providers.ErrDenied, "mount the file system for writing, or give the store another dir"},
		{syscall.ENOSPC, providers.ErrUnavailable, "the disk is full: make room; the key that was there still is"},
		{syscall.EDQUOT, providers.ErrUnavailable, "the disk quota is used up: make room; the key that was there still is"},
		{syscall.EFBIG, providers.ErrUnavailable, "the process may not write files of this size: raise the limit (ulimit -f)"},
		{syscall.ELOOP, providers.ErrUnsafe, "put a plain file in place of the symbolic link"},
		{syscall.EMLINK, providers.ErrUnsafe, "put a plain file in place of the symbolic link"}, // FreeBSD's ELOOP
		{syscall.EBUSY, providers.ErrUnsafe, mountHint},
		{syscall.EISDIR, providers.ErrUnsafe, "put a plain file in place of the directory"},
		{syscall.ENOTDIR, providers.ErrUnsafe, "put a directory in place of the file"},
		{syscall.ENXIO, providers.ErrUnsafe, "put a plain file in place of the socket"},
	} {
		if errors.Is(err, row.errno) {
			return row.hint, row.kind
		}
	}
	return "", providers.ErrUnavailable
}

// worded is an error of the operating system. It leaves out what its kind says already.
type worded struct{ error }

// Unwrap leaves the errno in reach.
func (w worded) Unwrap() error { return w.error }

// Error is "open PATH" where permission was denied, and what a link is called
// where the system speaks of levels.
func (w worded) Error() string {
	var p *fs.PathError
	if !errors.As(w.error, &p) {
		return w.error.Error()
	}
	switch {
	case errors.Is(p.Err, syscall.EACCES):
		return p.Op + " " + p.Path
	case errors.Is(p.Err, syscall.ELOOP), errors.Is(p.Err, syscall.EMLINK):
		return p.Path + ": it is a symbolic link"
	}
	return w.error.Error()
}

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}

func unclear(err error) error {
	return &providers.Error{Kind: providers.ErrUnclear, Err: err}
}

// ended is the error of a call whose context ended before it did anything.
func ended(ctx context.Context) error {
	return &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
}
