//go:build unix

package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/keyrotate/rotate/providers"
)

// A witness is the sidecar: what the store remembers of a name by another way
// than the value. Note belongs to the revision that the last write made. Newest
// is the newest note of all, which never goes back in its lineage.
type witness struct {
	Revision providers.RevisionID `json:"revision"`
	Note     note                 `json:"note"`
	Newest   note                 `json:"newest"`
}

type note struct {
	Lineage    string `json:"lineage"`
	Generation uint64 `json:"generation"`
	Digest     string `json:"digest"`
}

// head reads the head and its witness. The witness first: a writer who comes
// between the two then leaves us with a witness behind the head, which says
// nothing, and not with one before it, which would cry that a backup was
// restored.
func (s *store) head(p place) (providers.Revision, error) {
	w, err := readWitness(p.witness)
	if err != nil {
		return providers.Revision{}, err
	}
	text, info, err := load(p.head, s.mode)
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.Revision == "":
		return providers.Revision{}, &providers.Error{Kind: providers.ErrNotFound}
	case errors.Is(err, fs.ErrNotExist):
		return providers.Revision{}, lost(fmt.Errorf("%s was there and is not any more", p.head), p)
	case err != nil:
		return providers.Revision{}, err
	// guard incident 33: an empty file is not a key
	case len(text) == 0:
		return providers.Revision{}, lost(fmt.Errorf("%s is empty", p.head), p)
	}
	rev := providers.Revision{
		ID: idOf(text), Value: providers.NewSecret(text),
		Witness: providers.Note(w.Newest), Created: info.ModTime(),
	}
	if w.Revision == rev.ID { // else the note is of another text
		rev.Note = providers.Note(w.Note)
	}
	return rev, nil
}

// lost says what a person can do about a truth that is gone.
func lost(err error, p place) error {
	hint := fmt.Sprintf("put it back from a backup; without one, rm -f %s %s, and rotate begins anew: everyone with a token of the lost key is logged out",
		p.head, p.witness)
	return &providers.Error{Kind: providers.ErrUnreadable, Err: err, Hint: hint}
}

// readWitness returns the zero witness where there is none.
func readWitness(path string) (witness, error) {
	text, _, err := load(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return witness{}, nil
	}
	if err != nil {
		return witness{}, err
	}
	var w witness
	if err := json.Unmarshal(text, &w); err != nil || w.Revision == "" {
		return witness{}, &providers.Error{
			Kind: providers.ErrUnreadable, Err: fmt.Errorf("%s is damaged", path),
			Hint: "put it back from a backup; without one, rm " + path + ", if you know that the key's file is the newest there was",
		}
	}
	return w, nil
}

// next is the witness of a write: of the head old, followed by rev.
func next(old, rev providers.Revision) witness {
	return witness{Revision: rev.ID, Note: note(rev.Note), Newest: note(old.Witness.Newest(rev.Note))}
}
