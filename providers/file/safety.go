//go:build unix

package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/keyrotate/rotate/internal/trust"
	"github.com/keyrotate/rotate/providers"
)

// checkDir refuses a directory in which somebody else could put, replace or
// rename files: one that is foreign, or that group or others may write. The
// sticky bit does not help: it keeps others from our files, not from the names
// that we have not used yet.
func checkDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return unsafe(fmt.Errorf("%s is not a directory", path), "put a directory there, not a link")
	}
	if err := checkOwner(path, info); err != nil {
		return err
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return unsafe(fmt.Errorf("%s has mode %04o: others may put files there", path, perm), "chmod go-w "+path)
	}
	return nil
}

// checkWay refuses a directory that somebody else could put another in the place of.
func checkWay(path string) error {
	err := trust.CheckWay(path)
	if foreign, ok := errors.AsType[*trust.Error](err); ok {
		return unsafe(fmt.Errorf("another user could put another directory in the place of %s: %s", path, foreign.Why), foreign.Hint)
	}
	return err
}

// checkOwner takes what belongs to us or to root, who can do all that we can.
func checkOwner(path string, info fs.FileInfo) error {
	owner := info.Sys().(*syscall.Stat_t).Uid
	if us := os.Geteuid(); owner != 0 && owner != uint32(us) { // #nosec G115 -- user ids have 32 bits (credentials(7))
		return unsafe(fmt.Errorf("%s belongs to user %d, and this is user %d", path, owner, us),
			fmt.Sprintf("run rotate as user %d, or give %s to the user that runs it", owner, path))
	}
	return nil
}

// makeDir makes a directory and those above it, mode 0700, durably: each is
// synced into the one above it. Where the files are for others too, they may
// also pass through all of them, but not list them.
func (s *store) makeDir(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) { // another process may be faster
		return err
	}
	if s.gid >= 0 {
		if err := os.Chown(path, -1, s.gid); err != nil {
			return err
		}
	}
	pass := s.mode & 0o044 >> 2 // r to x
	if err := os.Chmod(path, 0o700|pass); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// openFile opens a file to which the way was checked, and refuses what a file
// of ours cannot be: a symbolic link, a device or pipe, a foreign file, or one
// that is open to more people than mode says.
func openFile(path string, flags int, mode fs.FileMode) (*os.File, error) {
	// open(2): O_NOFOLLOW fails with ELOOP on a link (EMLINK on FreeBSD), and
	// O_NONBLOCK keeps a pipe from blocking.
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if err := checkFile(f, mode); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkFile(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return unsafe(fmt.Errorf("%s is not a plain file", shown(f.Name())), "put a plain file there")
	}
	if err := checkOwner(shown(f.Name()), info); err != nil {
		return err
	}
	if perm := info.Mode().Perm(); perm&0o077&^mode != 0 {
		return unsafe(fmt.Errorf("%s has mode %04o, and may have %04o at most", shown(f.Name()), perm, mode),
			fmt.Sprintf("chmod %04o %s, and ask who has read it", mode, shown(f.Name())))
	}
	return nil
}

// load reads a whole file, at most maxValue bytes.
func load(path string, mode fs.FileMode) ([]byte, fs.FileInfo, error) {
	f, err := openFile(path, os.O_RDONLY, mode)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err != nil {
		return nil, nil, err
	}
	if len(text) > maxValue {
		return nil, nil, &providers.Error{Kind: providers.ErrUnreadable, Err: fmt.Errorf("%s has more than %d bytes", shown(path), maxValue), Hint: "rotate did not write it: put back what it wrote"}
	}
	return text, info, nil
}
