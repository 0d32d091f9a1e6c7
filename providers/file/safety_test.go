//go:build unix

package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

const stranger = 4242 // a user id that is neither ours nor root's

// Each thing that somebody could put in our way, and the calls that refuse it.
func TestUnsafe(t *testing.T) {
	type scene struct {
		s *store
		p place
	}
	for _, c := range []struct {
		name   string
		root   bool // only root can set the scene
		set    func(t *testing.T, at scene)
		reads  bool // a read is refused
		writes bool // a write is refused
	}{
		{"the file is a link", false, func(t *testing.T, at scene) {
			must(t, os.Rename(at.p.head, at.p.head+"-elsewhere"))
			must(t, os.Symlink(at.p.head+"-elsewhere", at.p.head))
		}, true, true},
		{"the file is a link to nowhere", false, func(t *testing.T, at scene) {
			must(t, os.Remove(at.p.head))
			must(t, os.Symlink("nowhere", at.p.head))
		}, true, true},
		{"the file is a directory", false, func(t *testing.T, at scene) {
			must(t, os.Remove(at.p.head))
			must(t, os.Mkdir(at.p.head, 0o700))
		}, true, true},
		{"the file is a pipe", false, func(t *testing.T, at scene) {
			must(t, os.Remove(at.p.head))
			must(t, syscall.Mkfifo(at.p.head, 0o600))
		}, true, true},
		{"the file is open to its group", false, func(t *testing.T, at scene) {
			must(t, os.Chmod(at.p.head, 0o640))
		}, true, true},
		{"the file is open to all", false, func(t *testing.T, at scene) {
			must(t, os.Chmod(at.p.head, 0o604))
		}, true, true},
		{"the file is a stranger's", true, func(t *testing.T, at scene) {
			must(t, os.Chown(at.p.head, stranger, -1))
		}, true, true},
		{"the witness is a link", false, func(t *testing.T, at scene) {
			must(t, os.Rename(at.p.witness, at.p.witness+"-elsewhere"))
			must(t, os.Symlink(at.p.witness+"-elsewhere", at.p.witness))
		}, true, true},
		{"the witness is a stranger's", true, func(t *testing.T, at scene) {
			must(t, os.Chown(at.p.witness, stranger, -1))
		}, true, true},
		{"the lock is a link", false, func(t *testing.T, at scene) {
			must(t, os.Remove(at.p.lock))
			must(t, os.Symlink(at.p.head, at.p.lock))
		}, false, true},
		{"the lock is a stranger's", true, func(t *testing.T, at scene) {
			must(t, os.Chown(at.p.lock, stranger, -1))
		}, false, true},
		{"the directory is open to its group", false, func(t *testing.T, at scene) {
			must(t, os.Chmod(at.s.dir, 0o770))
		}, true, true},
		{"the directory is open to all, even if sticky", false, func(t *testing.T, at scene) {
			must(t, os.Chmod(at.s.dir, 0o777|os.ModeSticky))
		}, true, true},
		{"the directory is a stranger's", true, func(t *testing.T, at scene) {
			must(t, os.Chown(at.s.dir, stranger, -1))
		}, true, true},
		{"the directory has become a link", false, func(t *testing.T, at scene) {
			must(t, os.Rename(at.s.dir, at.s.dir+"-elsewhere"))
			must(t, os.Symlink(at.s.dir+"-elsewhere", at.s.dir))
		}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			s := open(t, filepath.Join(t.TempDir(), "keys"))
			rev := write(t, s, name, "value", "")
			c.set(t, scene{s, files(t, s, name)})
			_, err := s.Read(t.Context(), name)
			refusedIf(t, c.reads, err)
			_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("v")), rev.ID, providers.Note{})
			refusedIf(t, c.writes, err)
			_, err = s.Erase(t.Context(), name, "0", rev.ID)
			refusedIf(t, c.writes, err)
		})
	}
}

func refusedIf(t *testing.T, refused bool, err error) {
	t.Helper()
	if !refused {
		must(t, err)
		return
	}
	fails(t, err, providers.ErrUnsafe)
}

// A temp that is a link is removed, and what it leads to stays as it is.
func TestTempIsALink(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	p := files(t, s, name)
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, []byte("untouched"), 0o600))
	must(t, os.Mkdir(s.dir, 0o700))
	must(t, os.Symlink(victim, p.temp))
	write(t, s, name, "value", "")
	if got, err := os.ReadFile(victim); err != nil || string(got) != "untouched" {
		t.Errorf("the link's target is %q (%v)", got, err)
	}
}

// The way to the directory may be a link; a segment of a name may not.
func TestLinksOnTheWay(t *testing.T) {
	top := t.TempDir()
	must(t, os.Mkdir(filepath.Join(top, "real"), 0o700))
	must(t, os.Symlink("real", filepath.Join(top, "keys")))
	s := open(t, filepath.Join(top, "keys"))
	write(t, s, name, "value", "")

	must(t, os.Mkdir(filepath.Join(top, "outside"), 0o700))
	must(t, os.Symlink(filepath.Join(top, "outside"), filepath.Join(s.dir, "team")))
	_, err := s.Write(t.Context(), "team/key", providers.NewSecret([]byte("v")), "", providers.Note{})
	fails(t, err, providers.ErrUnsafe)
}

// A directory that another user could swap is refused, for keys and for outputs, and
// where it is not there yet; TestHosts has the hosts on which a mode misleads.
func TestParentsThatOthersMayChange(t *testing.T) {
	top := t.TempDir()
	shared := filepath.Join(top, "shared")
	must(t, os.MkdirAll(filepath.Join(shared, "app", "keys"), 0o700))
	must(t, os.Symlink(filepath.Join(shared, "app"), filepath.Join(top, "link")))
	for mode, refused := range map[os.FileMode]bool{0o755: false, 0o777 | os.ModeSticky: false, 0o777: true} {
		must(t, os.Chmod(shared, mode))
		for _, dir := range []string{shared + "/app/keys", shared + "/app/none/yet", top + "/link/keys"} {
			_, err := Config{Dir: dir}.Open(t.Context())
			refusedIf(t, refused, err)
			_, err = Config{Dir: dir}.OpenOutput(t.Context(), providers.Rendering{})
			if refusedIf(t, refused, err); refused && !strings.Contains(err.Error(), shared+" has mode 0777") {
				t.Error(err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	top := t.TempDir()
	open := filepath.Join(top, "open")
	must(t, os.Mkdir(open, 0o700))
	must(t, os.Chmod(open, 0o770))
	plain := filepath.Join(top, "plain")
	must(t, os.WriteFile(plain, nil, 0o600))
	for _, dir := range []string{open, plain, filepath.Join(plain, "keys")} {
		_, err := Config{Dir: dir}.Open(t.Context())
		fails(t, err, providers.ErrUnsafe)
	}
}

// A directory that cannot be made says why, not that nothing is stored there.
func TestDirectoryCannotBeMade(t *testing.T) {
	s := open(t, "/proc/self/keys") // where nobody makes one, not even root
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("v")), "", providers.Note{})
	if fails(t, err, providers.ErrUnavailable, providers.ErrDenied); errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
