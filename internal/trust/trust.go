// Package trust tells whether somebody else than this process's user, and root,
// can change a file. It is the one place of that rule for files that rotate
// takes at their word, its config and its audit file, and for the way to the
// folders of stores and outputs.
//
// OpenSSH asks the same of its files (StrictModes, sshd_config(5)), and Git of a
// work tree (safe.directory, git-config(1), since CVE-2022-24765). Unlike them
// the rule knows hosts on which a mode alone misleads: volumes of a container,
// groups of one member, file systems without permissions.
package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Facts are what the system tells of a file, a folder or a link.
type Facts struct {
	Path  string
	Owner uint32      // user id
	Mode  fs.FileMode // with the type and the sticky bit

	Private  bool // the group has no other member than the owner and root; false if nobody can tell
	Modeless bool // the file system keeps no permissions: those shown were made up when it was mounted
	Given    bool // a volume of a container: whoever started the container has chosen what is in it
}

// Changeable says why somebody else than the user with the id us, and root, can
// change the file, or what a folder has under a name that is in use; "" if nobody
// can.
func (f Facts) Changeable(us uint32) string {
	if f.Given {
		return ""
	}
	if f.Owner != 0 && f.Owner != us {
		return fmt.Sprintf("%s belongs to user %d, and this is user %d", f.Path, f.Owner, us)
	}
	perm := f.Mode.Perm() & 0o022
	if f.Private {
		perm &^= 0o020
	}
	switch {
	case perm == 0 || f.Modeless || f.Mode&fs.ModeSymlink != 0: // the mode of a link means nothing (symlink(7))
		return ""
	case f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0: // nobody removes or renames what others own (inode(7))
		return ""
	}
	return fmt.Sprintf("%s has mode %04o: others may write it", f.Path, f.Mode.Perm())
}

// An Error says that somebody else can change a file, and how.
type Error struct {
	Why  string
	Hint string // what ends that
}

func (e *Error) Error() string { return e.Why }

// Check looks at a file, at the folder in which it is, and at the same of each
// link on the way to it. The error is an *Error if somebody else can change what
// the path leads to, and that of the system if nobody can tell.
func Check(path string) error {
	const most = 40 // links that Linux follows in one path (path_resolution(7))
	for range most {
		dir := filepath.Dir(path)
		folder, err := os.Stat(dir)
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		open := folder.Mode()&fs.ModeSticky != 0
		for _, f := range []Facts{look(dir, folder, open), look(path, info, open)} {
			if err := f.check(); err != nil {
				return err
			}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return &os.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// CheckWay looks at every folder in which a folder is, up to the root, and at the
// links among them: whoever can change one of them can put another folder in its
// place, as sshd's StrictModes knows. Of a folder that is not there yet it looks at
// those that are. The errors are those of Check.
func CheckWay(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	unmapped := unmappedRoot()
	for at := path; ; at = filepath.Dir(at) {
		for _, stat := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} {
			info, err := stat(at)
			switch link := err == nil && info.Mode()&fs.ModeSymlink != 0; {
			case errors.Is(err, fs.ErrNotExist), err == nil && at == path && !link:
			case err != nil:
				return err
			default:
				f := look(at, info, false)
				if f.Owner == unmapped {
					f.Owner = 0
				}
				if err := f.check(); err != nil {
					return err
				}
			}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// nobody is how the kernel shows an owner that a user namespace does not map:
// /proc/sys/kernel/overflowuid, user_namespaces(7).
const nobody = 65534

// unmappedRoot is the number under which the files of the host's root are seen in a user
// namespace that does not map it, as under bubblewrap or a sandboxed unit of a user; 0
// elsewhere. Whoever else is not mapped has the same number there, and cannot be told apart.
func unmappedRoot() uint32 {
	info, err := os.Stat("/")
	if err != nil || look("/", info, false).Owner != nobody {
		return 0
	}
	return nobody
}

// CheckFile is Check of an open file alone, whatever its path has become.
func CheckFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return look(f.Name(), info, false).check()
}

func (f Facts) check() error {
	us := uint32(os.Geteuid()) // #nosec G115 -- user ids have 32 bits (credentials(7))
	why := f.Changeable(us)
	if why == "" {
		return nil
	}
	hint := "chmod go-w " + f.Path
	if f.Owner != 0 && f.Owner != us {
		hint = fmt.Sprintf("run rotate as user %d, or give %s to the user that runs it", f.Owner, f.Path)
	}
	return &Error{why, hint}
}

// look gathers the facts of a path. In a shared folder such as /tmp, a container
// gives nothing: it is its programs that put files there.
func look(path string, info fs.FileInfo, shared bool) Facts {
	stat := info.Sys().(*syscall.Stat_t)
	f := Facts{Path: path, Owner: stat.Uid, Mode: info.Mode()}
	f.Given = !shared && inContainer(os.Getenv, exists) && onVolume(stat)
	f.Modeless = modeless(path)
	if f.Mode.Perm()&0o020 != 0 && !hasACL(path) {
		f.Private = accounts().private(stat.Gid, stat.Uid)
	}
	return f
}

// inContainer goes by what Docker, Podman and Kubernetes leave in each container
// of theirs. On a machine, and in a container that is run like one (LXC,
// systemd-nspawn), there are other users, so these are none. Toolbx and Distrobox
// share the host's home folders and its /tmp with its users (toolbox(1)).
func inContainer(getenv func(string) string, exists func(string) bool) bool {
	if exists("/run/.toolboxenv") || exists("/run/host/etc") {
		return false
	}
	return getenv("KUBERNETES_SERVICE_HOST") != "" || exists("/.dockerenv") || exists("/run/.containerenv")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// onVolume reports whether a file is on another file system than the root, which
// is the image.
func onVolume(stat *syscall.Stat_t) bool {
	root, err := os.Stat("/")
	return err == nil && root.Sys().(*syscall.Stat_t).Dev != stat.Dev
}
