//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// Each way in which a store can lie in a work tree, with a git to ask and
// without.
func TestGit(t *testing.T) {
	const none, atOpen, atWrite = "", "open", "write"
	for _, c := range []struct {
		name        string
		set         func(t *testing.T, tree, dir string)
		with, alone string // what is refused with git, and without
	}{
		{"a directory that is not there yet", func(t *testing.T, tree, dir string) {}, none, none},
		{"an empty directory", func(t *testing.T, tree, dir string) { must(t, os.Mkdir(dir, 0o700)) }, none, none},
		{"a directory in use", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, "notes.txt"), "")
		}, atOpen, atOpen},
		{"its own .gitignore", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "# keys\n*\n")
		}, none, none},
		{"its own .gitignore of some files", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*.json\n") // but not .NAME.json.tmp
		}, atOpen, atOpen},
		{"its own .gitignore with an exception", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*\n!"+name+".json\n")
		}, atWrite, atOpen},
		{"the .gitignore of the tree", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, "notes.txt"), "")
			put(t, filepath.Join(tree, ".gitignore"), "/keys/\n")
		}, none, atOpen},
		{"a file that is tracked all the same", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*\n")
			put(t, filepath.Join(dir, name+".json"), "old")
			inGit(t, tree, "add", "--force", filepath.Join(dir, name+".json"))
			must(t, os.Remove(filepath.Join(dir, name+".json")))
		}, atWrite, atWrite},
		{"the info/exclude of the repository", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, "notes.txt"), "")
			put(t, filepath.Join(tree, ".git", "info", "exclude"), "keys\n")
		}, none, atOpen},
		{"the core.excludesFile of the user", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, "notes.txt"), "")
			put(t, filepath.Join(os.Getenv("HOME"), "mine"), "keys\n")
			inGit(t, tree, "config", "--global", "core.excludesFile", filepath.Join(os.Getenv("HOME"), "mine"))
		}, none, atOpen},
		{"a pattern of the tree that another takes back", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, "notes.txt"), "")
			put(t, filepath.Join(tree, ".gitignore"), "/keys/*\n!/keys/"+name+".json\n")
		}, atWrite, atOpen},
		{"a linked work tree", func(t *testing.T, tree, dir string) {
			link(t, tree, dir, "*\n")
		}, none, none},
		{"a linked work tree that has the file", func(t *testing.T, tree, dir string) {
			link(t, tree, dir, "*\n")
			put(t, filepath.Join(dir, name+".json"), "old")
			inGit(t, dir, "add", "--force", name+".json")
			must(t, os.Remove(filepath.Join(dir, name+".json")))
		}, atWrite, atWrite},
		{"a submodule that has the file", func(t *testing.T, tree, dir string) {
			other := filepath.Join(t.TempDir(), "other")
			inGit(t, tree, "init", "--quiet", other)
			put(t, filepath.Join(other, name+".json"), "old")
			inGit(t, other, "add", ".")
			commit(t, other)
			inGit(t, tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "keys")
			must(t, os.Chmod(dir, 0o700))
			must(t, os.Remove(filepath.Join(dir, name+".json")))
			put(t, filepath.Join(dir, ".gitignore"), "*\n")
		}, atWrite, atWrite},
		{"a repository that is broken", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*\n")
			must(t, os.Remove(filepath.Join(tree, ".git", "HEAD")))
		}, atOpen, atOpen},
		{"an index of a form that only git reads", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*\n")
			put(t, filepath.Join(tree, "notes.txt"), "")
			inGit(t, tree, "add", "notes.txt")
			inGit(t, tree, "update-index", "--index-version", "4")
		}, none, atOpen},
		{"a split index", func(t *testing.T, tree, dir string) {
			put(t, filepath.Join(dir, ".gitignore"), "*\n")
			put(t, filepath.Join(tree, "notes.txt"), "")
			inGit(t, tree, "add", "notes.txt")
			inGit(t, tree, "update-index", "--split-index")
		}, none, atOpen},
	} {
		for _, binary := range []bool{true, false} {
			t.Run(c.name+map[bool]string{true: "/git", false: "/no git"}[binary], func(t *testing.T) {
				tree := newTree(t)
				dir := filepath.Join(tree, "keys")
				c.set(t, tree, dir)
				want := c.with
				if !binary {
					want = c.alone
					t.Setenv("PATH", t.TempDir())
				}
				s, err := Config{Dir: dir}.Open(t.Context())
				if want == atOpen {
					fails(t, err, providers.ErrUnsafe)
					return
				}
				must(t, err)
				_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("value")), "", providers.Note{})
				if want == atWrite {
					fails(t, err, providers.ErrUnsafe)
					return
				}
				must(t, err)
				write(t, s, "team/key", "value", "")
			})
		}
	}
}

func TestGitDoesNotSeeKeys(t *testing.T) {
	tree := newTree(t)
	s := open(t, filepath.Join(tree, "keys"))
	write(t, s, name, "value", "")
	if out := inGit(t, tree, "status", "--porcelain", "--untracked-files=all"); out != "" {
		t.Errorf("git sees %q", out)
	}
}

// A linked work tree has a .git file.
func TestGitFile(t *testing.T) {
	top := t.TempDir()
	put(t, filepath.Join(top, ".git"), "gitdir: /elsewhere\n")
	put(t, filepath.Join(top, "keys", "notes.txt"), "")
	_, err := Config{Dir: filepath.Join(top, "keys")}.Open(t.Context())
	fails(t, err, providers.ErrUnsafe)
}

// In a hook, GIT_DIR names the repository of the hook, which is not ours.
func TestGitInAHook(t *testing.T) {
	tree := newTree(t)
	put(t, filepath.Join(tree, "keys", ".gitignore"), "*\n")
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "no-repository"))
	t.Setenv("GIT_WORK_TREE", t.TempDir())
	open(t, filepath.Join(tree, "keys"))
}

func TestNoGit(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	if _, err := os.Lstat(filepath.Join(s.dir, ".gitignore")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a .gitignore outside of any work tree: %v", err)
	}
}

// newTree makes a repository that no config of the user's reaches.
func newTree(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	tree := t.TempDir()
	inGit(t, tree, "init", "--quiet")
	return tree
}

// link makes dir a linked work tree with a .gitignore.
func link(t *testing.T, tree, dir, ignore string) {
	t.Helper()
	commit(t, tree)
	inGit(t, tree, "worktree", "add", "--quiet", dir)
	must(t, os.Chmod(dir, 0o700))
	put(t, filepath.Join(dir, ".gitignore"), ignore)
}

func commit(t *testing.T, tree string) {
	t.Helper()
	inGit(t, tree, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-m", "a")
}

// What a daemon found to be ignored may be so no more at its next write.
func TestGitIsAskedAtEachWrite(t *testing.T) {
	tree := newTree(t)
	dir := filepath.Join(tree, "keys")
	s := open(t, dir)
	rev := write(t, s, name, "first", "")
	inGit(t, tree, "add", "--force", filepath.Join(dir, name+".json"))
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("second")), rev.ID, providers.Note{})
	fails(t, err, providers.ErrUnsafe)
	inGit(t, tree, "rm", "--cached", "--quiet", filepath.Join(dir, name+".json"))
	write(t, s, name, "second", rev.ID)
}

// An index that is cut or changed anywhere is read as it is, or not at all.
func FuzzIndexNames(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00" + "01234567890123456789"))
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + strings.Repeat("\x00", 61) + "\x01a" + strings.Repeat("\x00", 9) + "01234567890123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := indexNames(data)
		if err == nil && !slices.IsSorted(names) {
			t.Error(names)
		}
	})
}

func inGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return string(out)
}

// put makes a file and its directory.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	must(t, os.WriteFile(path, []byte(text), 0o600))
}
