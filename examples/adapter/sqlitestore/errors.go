package sqlitestore

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/keyrotate/rotate/providers"
)

// kinds is what SQLite's result codes (https://www.sqlite.org/rescode.html) are to
// rotate. Others are ErrUnavailable.
var kinds = map[int]struct {
	kind error
	hint string
}{
	lib.SQLITE_PERM:     {providers.ErrDenied, "let the user that rotate runs as read and write the database and its folder"},
	lib.SQLITE_READONLY: {providers.ErrDenied, "let the user that rotate runs as read and write the database and its folder"},
	lib.SQLITE_CANTOPEN: {providers.ErrUnavailable, "is the folder there, and its volume mounted?"},
	lib.SQLITE_BUSY:     {providers.ErrUnavailable, "another program holds the database locked"},
	lib.SQLITE_FULL:     {providers.ErrUnavailable, "the disk is full"},
	lib.SQLITE_TOOBIG:   {providers.ErrTooLarge, ""},
	lib.SQLITE_NOTADB:   {providers.ErrUnsafe, "name a file that is a database, or none: it is made then"},
	lib.SQLITE_CORRUPT:  {providers.ErrUnreadable, "put the database back from a backup"},
}

// failed is an error of the driver, or nil. Why ctx ended comes first: the driver
// tells only that it did.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
	}
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		if known, ok := kinds[e.Code()&0xff]; ok { // the rest of an extended code is detail
			return &providers.Error{Kind: known.kind, Err: err, Hint: known.hint}
		}
	}
	return &providers.Error{Kind: providers.ErrUnavailable, Err: err}
}
