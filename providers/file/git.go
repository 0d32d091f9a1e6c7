//go:build unix

package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/internal/git"
)

// outOfGit refuses a name whose files Git would take into a commit. It asks at
// each write: a .gitignore and an index change while a daemon runs.
func (s *store) outOfGit(ctx context.Context, name string) error {
	root, ok := workTree(s.dir)
	if !ok {
		return nil
	}
	p := s.place(name)
	paths := []string{p.head, p.temp}
	if p.helpers != "" {
		paths = paths[:1] // the others lie in a folder that ignores itself
	}
	ignored, err := askGit(ctx, s.dir, paths...)
	if err != nil { // no git, or a repository that it does not trust
		tracked, unread := indexed(root, paths...)
		if unread != nil {
			return unsafe(fmt.Errorf("nobody can tell whether a commit would take in the keys of %s: git cannot be asked (%w), and its index not read (%w)", p.head, err, unread),
				fmt.Sprintf("keep them outside of %s, or let git answer: install it, or git config --global --add safe.directory %s", root, root))
		}
		ignored = !tracked && ignoresAll(s.dir)
	}
	what, line := s.dir, "*"
	if s.only != "" {
		what, line = p.head, s.only
	}
	if !ignored {
		return unsafe(fmt.Errorf("a commit would take in the keys of %s, which Git does not ignore", what),
			fmt.Sprintf("echo '%s' >> %s, and git rm --cached what is tracked", line, filepath.Join(s.dir, ".gitignore")))
	}
	return nil
}

// workTree walks up, as Git does, to a .git: a directory, or a file in
// submodules and linked work trees.
func workTree(dir string) (root string, ok bool) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// askGit tells whether git ignores all paths. git-check-ignore(1) prints those
// that it ignores, one a line, and never one that is tracked. It exits with 1
// if there are none and with 128 if it cannot tell.
func askGit(ctx context.Context, dir string, paths ...string) (bool, error) {
	out, err := git.Output(ctx, dir, append([]string{"check-ignore", "--"}, paths...)...)
	if git.ExitedWith(err, 1) {
		err = nil
	}
	return bytes.Count(out, []byte("\n")) == len(paths), err
}

// ignoresAll tells whether the directory's own .gitignore leaves nothing to
// Git: a line "*" and no exception.
func ignoresAll(dir string) bool {
	text, err := readSmall(filepath.Join(dir, ".gitignore"), maxGitText)
	if err != nil {
		return false
	}
	all := false
	for line := range strings.Lines(string(text)) {
		all = all || strings.TrimSpace(line) == "*"
		if strings.HasPrefix(line, "!") {
			return false
		}
	}
	return all
}

// ignoreIfEmpty keeps an empty directory out of Git, as venv and pytest do with
// theirs. One that holds something is its owner's to decide about.
func ignoreIfEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	if _, ok := workTree(dir); !ok {
		return nil
	}
	return writeIgnore(dir, "# Keys do not belong in Git.\n*\n")
}

// writeIgnore puts a .gitignore into a folder that has none.
func writeIgnore(dir, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
