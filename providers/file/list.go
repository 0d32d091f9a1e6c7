//go:build unix

package file

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// ending is that of every file that may be a secret's head.
const ending = ".json"

// List implements providers.Lister. It follows no symbolic link. A directory that
// is not there has no names.
func (s *store) List(ctx context.Context) (all []providers.Listed, err error) {
	defer dress(&err, "list", s.dir)
	err = filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(s.dir, path) // both are absolute and clean
		name, isHead := strings.CutSuffix(filepath.ToSlash(rel), ending)
		switch {
		case ctx.Err() != nil:
			return ended(ctx)
		case errors.Is(err, fs.ErrNotExist) && (path != s.dir || !s.there.Load()):
			return nil // gone since, or never made
		case err != nil:
			return err
		case entry.IsDir() && path != s.dir && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !isHead || !takesName(name):
			return nil
		}
		found, there, err := s.listed(name)
		if there {
			all = append(all, found)
		}
		return err
	})
	slices.SortFunc(all, func(a, b providers.Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// listed is one name that has a file. What lies beside it tells whose it is. Without
// that only a Read can: a backup may have put back the file alone.
func (s *store) listed(name string) (found providers.Listed, there bool, err error) {
	p := s.place(name)
	info, err := os.Lstat(p.head)
	if errors.Is(err, fs.ErrNotExist) {
		return found, false, nil
	}
	if err != nil {
		return found, false, err
	}
	found = providers.Listed{Name: name, Untold: true, Size: int(info.Size()), Written: info.ModTime()}
	text, _, err := load(p.witness, 0)
	if err != nil {
		return found, true, nil // a Read says what is wrong with it
	}
	var ofKeyset witness
	var ofOutput sidecar
	switch err := errors.Join(json.Unmarshal(text, &ofKeyset), json.Unmarshal(text, &ofOutput)); {
	case err != nil:
	case ofOutput.Write != "":
		found.Untold, found.Output, found.Note = false, true, providers.Note(ofOutput.Note)
	case ofKeyset.Revision != "":
		found.Untold, found.Note = false, providers.Note(ofKeyset.Newest)
	}
	return found, true, nil
}
