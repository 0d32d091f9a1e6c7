//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// A note that readers have read is of one write: it makes no revision, another
// process finds it, and it ends with the next write and with a change by hand.
func TestNoteRead(t *testing.T) {
	s, path := dotEnv(t, "PORT=1\n")
	wasRead := func(s *output, id providers.RevisionID, want bool) {
		t.Helper()
		got, err := s.Read(t.Context(), ".env")
		if err != nil || got.WasRead != want || id != "" && got.ID != id {
			t.Errorf("revision %q, was read: %v; want %q, %v (%v)", got.ID, got.WasRead, id, want, err)
		}
	}
	note := providers.Note{Lineage: "line", Generation: 7, Digest: "d"}
	rev, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("one"))), "", note)
	must(t, err)
	wasRead(s, rev.ID, false)
	text := content(t, path)
	must(t, s.NoteRead(t.Context(), ".env", rev.ID))
	wasRead(s, rev.ID, true)
	wasRead(openOutput(t, Config{Dir: s.dir}, providers.Rendering{Name: ".env", Variables: shop}), rev.ID, true)
	if got, err := s.Read(t.Context(), ".env"); err != nil || got.Note != note || content(t, path) != text {
		t.Errorf("the note of the write is %v now, or the file was touched: %v", got.Note, err)
	}
	fails(t, s.NoteRead(t.Context(), ".env", "another"), providers.ErrConflict)

	next, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("two"))), rev.ID, note)
	must(t, err)
	wasRead(s, next.ID, false)
	fails(t, s.NoteRead(t.Context(), ".env", rev.ID), providers.ErrConflict)
	must(t, s.NoteRead(t.Context(), ".env", next.ID))
	must(t, os.WriteFile(path, []byte(lines("by hand")), 0o600))
	wasRead(s, "", false)
	changed, err := s.Read(t.Context(), ".env")
	must(t, err)
	must(t, s.NoteRead(t.Context(), ".env", changed.ID))
	wasRead(s, changed.ID, false)
	if _, err := os.Lstat(s.place(".env").sideTemp()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a temporary file is left: %v", err)
	}
}
