//go:build unix

package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// Names have segments of these bytes. maxName leaves room in NAME_MAX (255 on
// Linux, macOS and the BSDs) for the dot and the longest ending.
const (
	segmentBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	maxName      = 200
)

// A place is where the files of one name lie.
type place struct {
	dirs                      []string // from the store's directory to the files'
	helpers                   string   // a folder of the last three, made by the first write; "" where they need none
	head, lock, temp, witness string
	former                    string // where an earlier version kept the witness; "" for where it is
}

// takesName takes names of which no segment begins with a dot, so that none
// reaches a hidden file, "." or "..".
func takesName(name string) bool {
	if len(name) > maxName {
		return false
	}
	for _, segment := range strings.Split(name, "/") {
		if segment == "" || segment[0] == '.' || strings.Trim(segment, segmentBytes) != "" {
			return false
		}
	}
	return true
}

const nameRule = "names are at most 200 letters, digits, . _ - and / between segments, of which none begins with a dot"

// NameRule implements providers.Namer. The one file of an output's path is named by
// that path.
func (c Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

// names is what a store takes: one with only that name alone.
func (s *store) names() (takes func(name string) bool, rule string) {
	if s.only != "" {
		return func(name string) bool { return name == s.only }, "this output is the file " + s.only + " and no other"
	}
	return takesName, nameRule
}

// exact is the place of the one file that a store with only is about. What lies
// beside it is in a folder with a .gitignore of its own, so that a line with the
// file's name is all that the .gitignore of others needs.
//
// Several outputs may have parts of one .env file. They share the lock, and each has
// a note of its own, with the name of its first variable. That of the usual variables
// has no name in it, as notes had none before.
//
// Earlier versions kept the three files beside the file. Where such a note is,
// all three stay there, so that two versions that overlap wait for one lock.
func (s *store) exact() place {
	name := s.only
	p := place{dirs: []string{s.dir}, head: filepath.Join(s.dir, name)}
	old := "." + name + ".rotate."
	if strings.HasPrefix(name, ".") {
		old = name + ".rotate-"
	}
	p.helpers = filepath.Join(s.dir, helpers)
	hidden := filepath.Join(p.helpers, name+".")
	beside := hidden
	if old = filepath.Join(s.dir, old); exists(old + "note") {
		beside = old
	}
	p.lock, p.temp, p.witness = beside+"lock", beside+"tmp", beside+"note"
	switch {
	case s.part != "":
		p.former, p.witness = p.witness, hidden+s.part+".part" // no file has a note, lock or temporary file that ends so
	case beside == old:
		p.helpers = ""
	}
	return p
}

// usual is the variable of an output whose config names none.
const usual = "JWT_SECRET"

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// helpers is the folder of what lies beside outputs.
const helpers = ".rotate"

// makeHelpers makes the folder of what lies beside an output, if there is to be
// one, and keeps it out of Git.
func (p place) makeHelpers() error {
	if p.helpers == "" {
		return nil
	}
	if err := os.Mkdir(p.helpers, 0o700); err != nil && !errors.Is(err, fs.ErrExist) { // another process may be faster
		return err
	}
	if err := checkDir(p.helpers); err != nil {
		return err
	}
	if err := writeIgnore(p.helpers, "# What rotate keeps beside its outputs.\n*\n"); err != nil {
		return err
	}
	return syncDir(filepath.Dir(p.helpers))
}

// place finds the files of a name that the store takes.
func (s *store) place(name string) place {
	if s.only != "" {
		return s.exact()
	}
	segments := strings.Split(name, "/")
	dirs, last := []string{s.dir}, len(segments)-1
	for i, segment := range segments[:last] {
		dirs = append(dirs, filepath.Join(dirs[i], segment))
	}
	hidden := filepath.Join(dirs[last], "."+segments[last]+".json")
	return place{
		dirs: dirs, head: filepath.Join(dirs[last], segments[last]+".json"),
		lock: hidden + ".lock", temp: hidden + ".tmp", witness: hidden + ".witness",
	}
}

// enter finds the files of a name for one call. The directories on the way are
// checked on each call, because each call trusts them. They are made if create
// asks for it; else ErrNotFound says that one is missing. A directory of the
// store that was there and is not any more is neither made nor taken for empty.
func (s *store) enter(ctx context.Context, name string, create bool) (place, error) {
	p := s.place(name)
	if ctx.Err() != nil {
		return place{}, ended(ctx)
	}
	there := s.there.Load() // as it is before the look: others may make the directory right after
	for i, dir := range p.dirs {
		err := checkDir(dir)
		if errors.Is(err, fs.ErrNotExist) && create && (i > 0 || !there) {
			if err := s.makeDir(dir); err != nil { // why it cannot be made, not that it is missing
				return place{}, err
			}
			err = checkDir(dir)
		}
		if err == nil && i == 0 {
			s.there.Store(true)
			if create && !s.ready.Load() {
				err = ignoreIfEmpty(dir)
				s.ready.Store(err == nil)
			}
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && i == 0 && there:
			return place{}, &providers.Error{Kind: providers.ErrUnavailable, Err: err, Hint: "the directory was there before, or is not rotate's to make: is its volume mounted?"}
		case errors.Is(err, fs.ErrNotExist):
			return place{}, &providers.Error{Kind: providers.ErrNotFound}
		case err != nil:
			return place{}, err
		}
	}
	return p, nil
}
