// Package sqlitestore keeps keysets in a SQLite database: an example of an adapter
// that is a module of its own. docs/write-an-adapter.md goes through it.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/keyrotate/rotate/providers"
)

// Config is the store's part of rotate's config: {type: sqlite, path: ./keys.db}.
type Config struct {
	Path string `yaml:"path" doc:"The database, from this file's folder; made with mode 0600 if it is not there."`
}

// Relative implements providers.Relocatable.
func (c *Config) Relative(base string) {
	if c.Path != "" && !filepath.IsAbs(c.Path) {
		c.Path = filepath.Join(base, c.Path)
	}
}

// Validate implements providers.Validator.
func (c *Config) Validate() error {
	if c.Path == "" {
		return noPath{}
	}
	return nil
}

// noPath implements providers.OptionError.
type noPath struct{}

func (noPath) Error() string               { return "path is not set" }
func (noPath) Option() (name, hint string) { return "path", "such as: {type: sqlite, path: ./keys.db}" }

// Where implements providers.Locator.
func (c *Config) Where(secret string) string { return c.Path + " " + secret }

// schema makes the tables. A head that someone points elsewhere, a value that
// someone edits and a row that someone deletes are all noticed: an edit counts up,
// so it gives the revision another id, and takes its note away. AUTOINCREMENT never
// gives a number twice (https://www.sqlite.org/autoinc.html).
const schema = `
CREATE TABLE IF NOT EXISTS secret (
	name TEXT PRIMARY KEY, head INTEGER NOT NULL,
	lineage TEXT NOT NULL, generation INTEGER NOT NULL, digest TEXT NOT NULL -- the witness
) STRICT;
CREATE TABLE IF NOT EXISTS revision (
	number INTEGER PRIMARY KEY AUTOINCREMENT, edits INTEGER NOT NULL DEFAULT 0,
	name TEXT NOT NULL, value BLOB NOT NULL, created INTEGER NOT NULL,
	lineage TEXT NOT NULL, generation INTEGER NOT NULL, digest TEXT NOT NULL -- the note
) STRICT;
CREATE INDEX IF NOT EXISTS revision_of ON revision (name, number);
CREATE TRIGGER IF NOT EXISTS edited AFTER UPDATE OF value ON revision BEGIN
	UPDATE revision SET edits = OLD.edits + 1, lineage = '', generation = 0, digest = '' WHERE number = OLD.number;
END;`

// Open implements providers.Config.
func (c *Config) Open(ctx context.Context) (_ providers.Store, err error) {
	defer providers.Dress(&err, "open", c.Path)
	if ctx.Err() != nil {
		return nil, failed(ctx, nil)
	}
	if err := makeFile(c.Path); err != nil {
		return nil, err
	}
	// A transaction takes the write lock when it begins, so that what it reads is
	// still so when it writes. Deleted rows are overwritten with zeros.
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "secure_delete(1)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: c.Path, RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, failed(ctx, err)
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		_ = db.Close()
		return nil, failed(ctx, err)
	}
	return &store{db}, nil
}

// makeFile makes the database for this user alone, and refuses one that others can
// read.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return &providers.Error{Kind: providers.ErrDenied, Err: err, Hint: "let the user that rotate runs as read and write it"}
	} else if err != nil {
		return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: "make the folder first, and name a file in it"}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &providers.Error{Kind: providers.ErrUnsafe, Err: fmt.Errorf("it has mode %04o, and others can read keys", mode), Hint: "chmod 0600 " + path}
	}
	return nil
}
