package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A store implements providers.Store. What it holds is safe for concurrent use.
type store struct{ db *sql.DB }

// Traits implements providers.Store.
func (*store) Traits() providers.Traits {
	return providers.Traits{
		Type: "sqlite", MaxValue: 64 << 10, Witness: true,
		Erases:    providers.Unlinked,
		Remains:   "The database overwrites the row with zeros and unlinks its journal: blocks of the disk, snapshots and backups are not reached.",
		TakesName: takesName, NameRule: "names are 1 to 200 printable ASCII characters",
		Notes: []string{"A row of the table secret that is deleted looks as if it never was: only a running daemon and the outputs know better."},
	}
}

func takesName(name string) bool {
	return name != "" && len(name) <= 200 && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

// columns are those of a revision, without its value.
const columns = "r.number, r.edits, r.created, r.lineage, r.generation, r.digest"

// head finds the head of a name and its witness.
const head = `SELECT ` + columns + `, r.value, s.lineage, s.generation, s.digest
FROM secret s LEFT JOIN revision r ON r.number = s.head AND r.name = s.name WHERE s.name = ?`

// A querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readHead reads the head. ErrUnreadable tells of one whose row is gone.
func readHead(ctx context.Context, q querier, name string) (rev providers.Revision, number int64, err error) {
	var n, edits, created, generation sql.NullInt64
	var lineage, digest sql.NullString
	var value []byte
	err = q.QueryRowContext(ctx, head, name).Scan(&n, &edits, &created, &lineage, &generation, &digest, &value,
		&rev.Witness.Lineage, &rev.Witness.Generation, &rev.Witness.Digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return rev, 0, &providers.Error{Kind: providers.ErrNotFound}
	case err != nil:
		return rev, 0, failed(ctx, err)
	case !n.Valid:
		return rev, 0, &providers.Error{Kind: providers.ErrUnreadable, Err: errors.New("the row of the head is gone"), Hint: "put it back from a backup of the database"}
	}
	rev.ID, rev.Created = id(n.Int64, edits.Int64), time.Unix(created.Int64, 0)
	rev.Note = providers.Note{Lineage: lineage.String, Generation: uint64(generation.Int64), Digest: digest.String}
	rev.Value = providers.NewSecret(value)
	return rev, n.Int64, nil
}

func id(number, edits int64) providers.RevisionID {
	return providers.RevisionID(fmt.Sprintf("%d.%d", number, edits))
}

// Read implements providers.Store. It is one statement, so it sees one state.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "read", name)
	rev, _, err := readHead(ctx, s.db, name)
	return rev, err
}

// Write implements providers.Store: compare and insert in one transaction.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (rev providers.Revision, err error) {
	defer providers.Dress(&err, "write", name)
	err = s.change(ctx, func(tx *sql.Tx) error {
		old, _, err := readHead(ctx, tx, name)
		switch {
		case errors.Is(err, providers.ErrNotFound):
		case err != nil:
			return err
		}
		if old.ID != after {
			return &providers.Error{Kind: providers.ErrConflict}
		}
		rev = providers.Revision{Value: v, Note: n, Witness: old.Witness.Newest(n), Created: time.Now().Truncate(time.Second)}
		made, err := tx.ExecContext(ctx, `INSERT INTO revision (name, value, created, lineage, generation, digest) VALUES (?, ?, ?, ?, ?, ?)`,
			name, v.Reveal(), rev.Created.Unix(), n.Lineage, int64(n.Generation), n.Digest)
		if err != nil {
			return failed(ctx, err)
		}
		number, err := made.LastInsertId()
		if err != nil {
			return failed(ctx, err)
		}
		rev.ID = id(number, 0)
		w := rev.Witness
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO secret (name, head, lineage, generation, digest) VALUES (?, ?, ?, ?, ?)`,
			name, number, w.Lineage, int64(w.Generation), w.Digest)
		return failed(ctx, err)
	})
	if err != nil {
		return providers.Revision{}, err
	}
	return rev, nil
}

// History implements providers.Store: what is below the head, and the head.
func (s *store) History(ctx context.Context, name string) (all []providers.Revision, err error) {
	defer providers.Dress(&err, "history", name)
	rows, err := s.db.QueryContext(ctx, `SELECT `+columns+` FROM revision r JOIN secret s ON s.name = r.name WHERE r.name = ? AND r.number <= s.head ORDER BY r.number`, name)
	if err != nil {
		return nil, failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		var rev providers.Revision
		var number, edits, created int64
		if err := rows.Scan(&number, &edits, &created, &rev.Note.Lineage, &rev.Note.Generation, &rev.Note.Digest); err != nil {
			return nil, failed(ctx, err)
		}
		rev.ID, rev.Created = id(number, edits), time.Unix(created, 0)
		all = append(all, rev)
	}
	if err := rows.Err(); err != nil {
		return nil, failed(ctx, err)
	}
	return all, nil
}

// Erase implements providers.Store: it deletes a row below the head.
func (s *store) Erase(ctx context.Context, name string, old, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer providers.Dress(&err, "erase", name)
	err = s.change(ctx, func(tx *sql.Tx) error {
		now, top, err := readHead(ctx, tx, name)
		switch {
		case errors.Is(err, providers.ErrNotFound):
			return &providers.Error{Kind: providers.ErrConflict}
		case err != nil:
			return err
		case now.ID != head:
			return &providers.Error{Kind: providers.ErrConflict}
		}
		var number int64
		err = tx.QueryRowContext(ctx, `SELECT number FROM revision WHERE name = ? AND number || '.' || edits = ?`, name, string(old)).Scan(&number)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil // it is gone already
		case err == nil && number >= top:
			return &providers.Error{Kind: providers.ErrConflict}
		case err == nil:
			_, err = tx.ExecContext(ctx, `DELETE FROM revision WHERE number = ?`, number)
		}
		return failed(ctx, err)
	})
	if err != nil {
		return providers.Erasure{}, err
	}
	return providers.Erasure{How: providers.Unlinked}, nil
}

// change makes a change in one transaction. Until it commits, nothing has happened;
// a commit whose end is not known is ErrUnclear.
func (s *store) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return failed(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &providers.Error{Kind: providers.ErrUnclear, Err: err}
	}
	return nil
}
