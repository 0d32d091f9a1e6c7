package sqlitestore

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// open opens the database at a path.
func open(t testing.TB, path string) *store {
	t.Helper()
	s, err := (&Config{Path: path}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := s.(*store).db
	t.Cleanup(func() { _ = db.Close() })
	return s.(*store)
}

// The contract of rotate's stores. What a person does with the sqlite3 shell is done
// to the tables.
func TestContract(t *testing.T) {
	paths := map[providers.Store]string{}
	exec := func(t testing.TB, s providers.Store, statement string, args ...any) {
		t.Helper()
		if _, err := s.(*store).db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	providertest.Run(t, providertest.Harness{
		New: func(t testing.TB) providers.Store {
			path := filepath.Join(t.TempDir(), "keys.db")
			s := open(t, path)
			paths[s] = path
			return s
		},
		Reopen: func(t testing.TB, s providers.Store) providers.Store { return open(t, paths[s]) },
		Lose: func(t testing.TB, s providers.Store, name string) {
			exec(t, s, `DELETE FROM revision WHERE number = (SELECT head FROM secret WHERE name = ?)`, name)
		},
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) {
			exec(t, s, `UPDATE revision SET value = ? WHERE number = (SELECT head FROM secret WHERE name = ?)`, value, name)
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			exec(t, s, `INSERT INTO revision (name, value, created, lineage, generation, digest) VALUES (?, ?, 0, ?, ?, ?)`,
				name, old.Value.Reveal(), old.Note.Lineage, int64(old.Note.Generation), old.Note.Digest)
			exec(t, s, `UPDATE secret SET head = (SELECT max(number) FROM revision) WHERE name = ?`, name)
		},
		BadNames: []string{"auth\tjwt", "schlüssel", strings.Repeat("a", 201)},
	})
}

// What is erased is in the file no more.
func TestErasedBytesAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path)
	put := func(text string, after providers.RevisionID) providers.RevisionID {
		rev, err := s.Write(t.Context(), "k", providers.NewSecret([]byte(text)), after, providers.Note{})
		if err != nil {
			t.Fatal(err)
		}
		return rev.ID
	}
	const canary = "canary-canary-canary"
	old := put(canary, "")
	head := put("another", old)
	if !holds(t, path, canary) {
		t.Fatal("the test does not see what is there")
	}
	if _, err := s.Erase(t.Context(), "k", old, head); err != nil {
		t.Fatal(err)
	}
	if holds(t, path, canary) {
		t.Error("the erased value is still in the file")
	}
}

func holds(t *testing.T, path, text string) bool {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			return true
		}
	}
	return false
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path string
		kind error
		hint string
	}{
		"others can read it": {write("open.db", "", 0o644), providers.ErrUnsafe, "chmod 0600"},
		"no database":        {write("text.db", strings.Repeat("not a database. ", 100), 0o600), providers.ErrUnsafe, "name a file that is a database"},
		"no folder":          {filepath.Join(dir, "none", "keys.db"), providers.ErrUnsafe, "make the folder"},
	} {
		_, err := (&Config{Path: c.path}).Open(t.Context())
		var e *providers.Error
		if !errors.Is(err, c.kind) || !errors.As(err, &e) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: %v, hint %q", name, err, e.Hint)
		}
	}
}

// Another program that holds the lock is an error that may pass, and nothing is
// written.
func TestLockedElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path)
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), "k", providers.NewSecret([]byte("v")), "", providers.Note{})
	if !errors.Is(err, providers.ErrUnavailable) {
		t.Error(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), "k"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
}
