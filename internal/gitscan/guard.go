package gitscan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/git"
)

// A Guarded is a file or folder where keys usually lie, and what Git does with it.
type Guarded struct {
	Path    string // below the work tree, or a pattern such as *.pem
	Tracked bool   // the next commit has it
	Ignored bool   // git add . passes over it
	Exists  bool   // it is there
}

// Open reports whether a commit has it or would take it in.
func (g Guarded) Open() bool { return g.Tracked || g.Exists && !g.Ignored }

// usual are the names under which keys lie in work trees (gitglossary(7), pathspec).
var usual = []string{":(glob)**/.env", ":(glob)**/.env.*", ":(glob)**/*.env", ":(glob)**/*.pem", ":(glob)**/*.key"}

// samples end the names of files that are made to be committed.
var samples = []string{".example", ".sample", ".template", ".dist", ".defaults", ".schema", "example.env", "sample.env"}

// Guard tells of each .env file and private key in a work tree whether it is tracked or
// would be, of the names .env and *.pem whether they are ignored, and the same of
// folders of keys that lie in the work tree.
func Guard(ctx context.Context, root string, folders []string) ([]Guarded, error) {
	if _, err := git.Output(ctx, root, "rev-parse", "--show-toplevel"); err != nil {
		return nil, nil //nolint:nilerr // a bare repository has no files
	}
	var all []Guarded
	for _, tracked := range []bool{true, false} {
		what := []string{"ls-files", "-z", "--others", "--exclude-standard", "--"}
		if tracked {
			what = []string{"ls-files", "-z", "--cached", "--"}
		}
		out, err := git.Output(ctx, root, append(what, usual...)...)
		if err != nil {
			return nil, git.Said(err, nil)
		}
		for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
			if name != "" && holdsKeys(root, name) {
				_, err := os.Lstat(filepath.Join(root, name))
				all = append(all, Guarded{Path: name, Tracked: tracked, Exists: err == nil})
			}
		}
	}
	names := []string{".env", "x.pem"}
	for _, dir := range folders {
		if rel, ok := below(root, dir); ok {
			names = append(names, path.Join(rel, "x"))
		}
	}
	ignored, err := ignores(ctx, root, names)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		g := Guarded{Path: name, Ignored: slices.Contains(ignored, name)}
		switch {
		case name == ".env" && slices.ContainsFunc(all, func(o Guarded) bool { return o.Path == name }):
			continue // the file itself has been told of
		case name == "x.pem":
			g.Path = "*.pem"
		case i > 1:
			g.Path = path.Dir(name) + "/"
			g.Exists = true
			tracked, err := git.Output(ctx, root, "--literal-pathspecs", "ls-files", "-z", "--cached", "--", path.Dir(name))
			g.Tracked = err == nil && len(tracked) > 0
		}
		all = append(all, g)
	}
	return all, nil
}

// ignores are those of the names that git ignores, whether it tracks them or not.
func ignores(ctx context.Context, root string, names []string) ([]string, error) {
	cmd, err := git.Command(ctx, root, "check-ignore", "--no-index", "-z", "--stdin")
	if err != nil {
		return nil, err
	}
	cmd.Stdin = strings.NewReader(strings.Join(names, "\x00"))
	out, err := cmd.Output()
	if git.ExitedWith(err, 1) {
		err = nil // none is
	}
	return strings.Split(string(out), "\x00"), git.Said(err, nil)
}

// below is a folder's path in the work tree, if it lies in it.
func below(root, dir string) (string, bool) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	rel, err := filepath.Rel(root, dir)
	return filepath.ToSlash(rel), err == nil && filepath.IsLocal(rel) && rel != "."
}

// holdsKeys reports whether a file may hold a key. A certificate or public key is none,
// and a sample of a .env file is made to be committed.
func holdsKeys(root, name string) bool {
	if slices.ContainsFunc(samples, func(s string) bool { return strings.HasSuffix(name, s) }) {
		return false
	}
	if ext := path.Ext(name); ext != ".pem" && ext != ".key" {
		return true
	}
	text, err := begin(filepath.Join(root, name))
	return err == nil && bytes.Contains(text, []byte("PRIVATE KEY-----"))
}

// begin is the first bytes of a plain file of a work tree, which somebody else may have made.
func begin(name string) ([]byte, error) {
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, os.ErrInvalid)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}
