// Package gitscan looks for keys in everything that a Git repository has: reachable or
// not, in commits, trees, tags, notes and stashes, of linked work trees and submodules.
package gitscan

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/git"
)

// A Repository is one store of objects: that of a work tree, or of a submodule.
type Repository struct {
	Name    string // of a submodule, as its path or name is; "" for the repository itself
	Dir     string // where git is asked
	Objects int    // that were read
	Shallow bool   // its history is cut off: what lies before was not read
	Partial bool   // objects were left on the server: they were not read
}

// Root is the work tree that a folder lies in, or the repository itself if it is bare.
// The error says that the folder is in none, or why git does not answer.
func Root(ctx context.Context, dir string) (string, error) {
	out, err := git.Output(ctx, dir, "rev-parse", "--path-format=absolute", "--show-toplevel")
	if err != nil { // a bare repository has none
		if out, err = git.Output(ctx, dir, "rev-parse", "--path-format=absolute", "--git-common-dir"); err != nil {
			return "", git.Said(err, nil)
		}
	}
	return strings.TrimSpace(string(out)), nil
}

// repositories are that of root and those of its submodules. absent are the submodules
// that were never fetched.
func repositories(ctx context.Context, root string) (all []Repository, absent []string, err error) {
	common, err := git.Output(ctx, root, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return nil, nil, git.Said(err, nil)
	}
	all = []Repository{{Dir: root}}
	dir := strings.TrimSpace(string(common))
	worktrees, _ := filepath.Glob(filepath.Join(dir, "worktrees", "*", "modules"))
	for _, modules := range append(worktrees, filepath.Join(dir, "modules")) {
		all = append(all, stored(modules)...)
	}
	links, err := git.Output(ctx, root, "ls-files", "--stage", "-z")
	if err != nil {
		links = nil // bare
	}
	for entry := range bytes.SplitSeq(links, []byte{0}) {
		head, path, _ := bytes.Cut(entry, []byte("\t"))
		if !bytes.HasPrefix(head, []byte("160000 ")) {
			continue
		}
		r := Repository{Name: string(path), Dir: filepath.Join(root, string(path))}
		info, err := os.Lstat(filepath.Join(r.Dir, ".git"))
		switch {
		case err == nil && info.IsDir():
			all = append(all, r) // its repository lies in the work tree
		case err != nil && !slices.ContainsFunc(all, func(o Repository) bool { return o.Name == r.Name }):
			absent = append(absent, r.Name)
		}
	}
	for i := range all {
		all[i].describe(ctx)
	}
	return all, absent, nil
}

// stored are the repositories of submodules below a folder of gitrepository-layout(5);
// a name may have slashes, and submodules have submodules.
func stored(modules string) (all []Repository) {
	_ = filepath.WalkDir(modules, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // what cannot be read is no repository of this user
		}
		if d.Name() == "objects" || d.Name() == "refs" || d.Name() == "logs" {
			return fs.SkipDir
		}
		if info, err := os.Stat(filepath.Join(path, "objects")); err == nil && info.IsDir() {
			name, _ := filepath.Rel(modules, path)
			all = append(all, Repository{Name: name, Dir: path})
		}
		return nil
	})
	return all
}

// describe tells what the repository lacks. The folder of a submodule is asked as it
// is: its config names a work tree that may be gone.
func (r *Repository) describe(ctx context.Context) {
	out, _ := r.output(ctx, "rev-parse", "--is-shallow-repository")
	r.Shallow = strings.TrimSpace(string(out)) == "true"
	out, err := r.output(ctx, "config", "--get-regexp", `^(extensions\.partialclone|remote\..*\.promisor)$`)
	r.Partial = err == nil && len(out) > 0
}

// args are those of a command in the repository. --work-tree= would be taken from the
// config, whose folder need not exist.
func (r *Repository) args(args ...string) []string {
	if r.Name == "" || filepath.Base(r.Dir) == ".git" {
		return args
	}
	if _, err := os.Lstat(filepath.Join(r.Dir, ".git")); err == nil {
		return args
	}
	return append([]string{"--git-dir=" + r.Dir, "--work-tree=" + r.Dir}, args...)
}

func (r *Repository) output(ctx context.Context, args ...string) ([]byte, error) {
	return git.Output(ctx, r.Dir, r.args(args...)...)
}

// count is about how many objects the repository has.
func (r *Repository) count(ctx context.Context) (n int) {
	out, err := r.output(ctx, "count-objects", "-v")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name == "count" || name == "in-pack" {
			v, _ := strconv.Atoi(value)
			n += v
		}
	}
	return n
}

func (r *Repository) failed(what string, err error) error {
	name := r.Dir
	if r.Name != "" {
		name = "submodule " + r.Name
	}
	return fmt.Errorf("%s: %s: %w", name, what, err)
}
