//go:build unix

// Package file keeps each secret in a plain file: NAME is DIR/NAME.json. Beside
// it, hidden, lie
//
//	.NAME.json.lock     held by flock(2) during a change; never removed
//	.NAME.json.tmp      the next text; after a crash a leftover, until the next call
//	.NAME.json.witness  the newest note: it outlives a lost or restored file
//
// Readers take no lock: rename(2) shows them the old text or the new one. The
// package is written for local file systems. On a network file system, flock
// and fsync are worth what its server makes of them.
package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/keyrotate/rotate/providers"
)

// maxValue is the largest file that is read or written, in bytes.
const maxValue = 64 << 10

// store implements providers.Store. Its handles share nothing but the files.
type store struct {
	dir   string
	only  string // the one file of this name in dir; "" where NAME is DIR/NAME.json
	part  string // of a .env file that others may have parts of, too: the first variable; "" for usual
	mode  fs.FileMode
	gid   int         // -1 leaves the group alone
	there atomic.Bool // the directory was seen: without it, something is lost
	ready atomic.Bool // it was there for a write, and is kept out of Git if it was empty
}

// Open checks that the directory is a safe place, if it is there; the first
// Write makes it. Errors are of kind ErrUnsafe where the config or the place is
// to be changed.
func (c Config) Open(ctx context.Context) (providers.Store, error) {
	s, err := c.open(ctx, providers.Rendering{})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c Config) open(ctx context.Context, o providers.Rendering) (_ *store, err error) {
	defer dress(&err, "open", c.Dir)
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	if err := c.Validate(); err != nil {
		return nil, unsafe(err, hintOf(err))
	}
	if o.Name != "" && c.Owns(o.Name) {
		return nil, unsafe(fmt.Errorf("%s is what rotate itself keeps beside a key", filepath.Join(c.Dir, o.Name)), "give the output another path")
	}
	s := &store{only: o.Name}
	if len(o.Variables) > 0 && o.Variables[0] != usual {
		s.part = o.Variables[0]
	}
	s.mode, _ = parseMode(c.Mode)
	s.gid, _ = parseGroup(c.Group)
	// The way to the directory may lead through symbolic links: it is the
	// administrator's. From here on none is followed.
	if s.dir, err = resolve(c.Dir); err != nil {
		return nil, err
	}
	for _, dir := range []string{c.Dir, s.dir} {
		if err := checkWay(dir); err != nil {
			return nil, err
		}
	}
	switch err := checkDir(s.dir); {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	}
	s.there.Store(true)
	if o.Public || o.Name != "" {
		return s, nil // Git is asked about each file
	}
	if entries, err := os.ReadDir(s.dir); err != nil {
		return nil, err
	} else if len(entries) == 0 {
		return s, nil // the first write keeps it out of Git
	}
	if err := s.outOfGit(ctx, "example"); err != nil {
		return nil, err
	}
	return s, nil
}

// resolve follows the links on the way to a directory, as far as there is one.
func resolve(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, err := os.Lstat(dir); err == nil {
		return "", unsafe(fmt.Errorf("%s is a symbolic link to what is not there", dir), "make what it leads to, or remove it")
	}
	up := filepath.Dir(dir)
	if up == dir {
		return dir, nil
	}
	real, err = resolve(up)
	return filepath.Join(real, filepath.Base(dir)), err
}

// Probe writes a file beside the others, as hidden as their locks are, and
// removes it. Where the directory is not there yet, it does so where that would
// be made.
func (s *store) Probe(ctx context.Context) (err error) {
	defer dress(&err, "probe", s.dir)
	if ctx.Err() != nil {
		return ended(ctx)
	}
	dir := s.dir
	err = checkDir(dir)
	if errors.Is(err, fs.ErrNotExist) && !s.there.Load() {
		for err = nil; ; dir = filepath.Dir(dir) {
			if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".rotate-probe-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, wrote := f.WriteString("written by rotate validate --probe; safe to delete\n")
	return errors.Join(wrote, f.Sync(), f.Close())
}

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "file", MaxValue: maxValue, OneValue: true, Witness: true, Lists: true,
		TakesName: takesName, NameRule: nameRule,
		Erases:  providers.Unlinked,
		Remains: "The old file's blocks until the disk reuses them, and every snapshot and backup that was taken meanwhile.",
		Notes: []string{
			"Revision ids are digests: the same value twice has the same id. Documents carry a random write id and never repeat.",
			"A file that is lost together with its witness looks as if it never was: an empty directory, such as a volume that is not mounted, is a new store.",
			"Between a write and its witness a crash leaves the witness one write behind; the next write mends it.",
		},
	}
}

// Read implements providers.Store.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer dress(&err, "read", name)
	p, err := s.enter(ctx, name, false)
	if err != nil {
		return providers.Revision{}, err
	}
	return s.head(p)
}

// History implements providers.Store. It lists the head, if it can be read, and
// clears what a killed writer left behind.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer dress(&err, "history", name)
	p, err := s.enter(ctx, name, false)
	if err != nil {
		return nil, none(err)
	}
	if err := clearTemp(ctx, p); err != nil {
		return nil, err
	}
	rev, err := s.head(p)
	if err != nil {
		return nil, none(err)
	}
	rev.Value = providers.Secret{}
	return []providers.Revision{rev}, nil
}

// none drops an error which says that there is nothing that can be read.
func none(err error) error {
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnreadable) {
		return nil
	}
	return err
}

// idOf names a value by the first half of its SHA-256. It never stands for two
// values. It would stand for one value written twice; see Traits.Notes.
func idOf(text []byte) providers.RevisionID {
	sum := sha256.Sum256(text)
	return providers.RevisionID(hex.EncodeToString(sum[:16]))
}
