//go:build unix

package file

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/keyrotate/rotate/internal/git"
)

// An Exposure is who may see a file that holds a secret, beside its owner and
// root, and what would keep it from being replaced. The zero Exposure is that of a
// plain file of mode 0600 outside of Git.
type Exposure struct {
	Mode  fs.FileMode // the permissions, if group or others may read it; 0 if not
	ACL   bool        // it has an access control list (acl(5)), which may name others
	Link  string      // the file that it is a symbolic link to; "" if it is none
	Names uint64      // how many names it has, if these are several (hard links)
	Mount bool        // it is mounted by itself
	Git   Tracking
}

// Tracking says what Git has of a file.
type Tracking string

// What Git has, from the least on.
const (
	Untracked Tracking = ""
	Unknown   Tracking = "unknown" // the file lies in a work tree, and git cannot be asked
	Indexed   Tracking = "indexed" // the next commit has it
	Committed Tracking = "committed"
)

// Exposed looks at a file, and asks Git about it. It changes nothing. What cannot
// be found out is left out, apart from Unknown.
func Exposed(ctx context.Context, path string) (e Exposure) {
	info, err := os.Lstat(path)
	if err != nil {
		return e
	}
	e.Mount = isMount(path)
	if info.Mode()&fs.ModeSymlink != 0 {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return e
		}
		if info, err = os.Stat(real); err != nil {
			return e
		}
		e.Link, path = real, real
	}
	if perm := info.Mode().Perm(); perm&0o044 != 0 {
		e.Mode = perm
	}
	if n := uint64(info.Sys().(*syscall.Stat_t).Nlink); info.Mode().IsRegular() && n > 1 { //nolint:unconvert // its type differs between systems
		e.Names = n
	}
	e.ACL = hasACL(path)
	e.Git = tracking(ctx, path)
	return e
}

// tracking asks Git for a file in its last commit and in its index.
func tracking(ctx context.Context, path string) Tracking {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Untracked
	}
	if _, ok := workTree(filepath.Dir(abs)); !ok {
		return Untracked
	}
	dir, name := filepath.Split(abs)
	indexed, err := git.Output(ctx, dir, "--literal-pathspecs", "ls-files", "--cached", "-z", "--", name)
	if err != nil {
		return Unknown
	}
	// Without a commit yet, git exits with 128.
	committed, err := git.Output(ctx, dir, "ls-tree", "-z", "--name-only", "HEAD", "--", name)
	switch {
	case err == nil && len(committed) > 0:
		return Committed
	case len(indexed) > 0:
		return Indexed
	}
	return Untracked
}
