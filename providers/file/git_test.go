//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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
			git(t, tree, "add", "--force", filepath.Join(dir, name+".json"))
			must(t, os.Remove(filepath.Join(dir, name+".json")))
		}, atWrite, none},
	} {
		for _, binary := range []bool{true, false} {
			t.Run(c.name+map[bool]string{true: "/git", false: "/no git"}[binary], func(t *testing.T) {
				tree := workTree(t)
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
	tree := workTree(t)
	s := open(t, filepath.Join(tree, "keys"))
	write(t, s, name, "value", "")
	if out := git(t, tree, "status", "--porcelain", "--untracked-files=all"); out != "" {
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
	tree := workTree(t)
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

// workTree makes a repository that no config of the user's reaches.
func workTree(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	tree := t.TempDir()
	git(t, tree, "init", "--quiet")
	return tree
}

func git(t *testing.T, dir string, args ...string) string {
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
