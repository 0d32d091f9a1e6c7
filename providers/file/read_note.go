//go:build unix

package file

import (
	"context"
	"encoding/json"

	"github.com/keyrotate/rotate/providers"
)

// NoteRead implements providers.ReadNoter by a member of the sidecar. It does not
// touch the rendering. Of a value that rotate did not write nothing is noted:
// nothing tells it from the same value put there again.
func (o *output) NoteRead(ctx context.Context, name string, id providers.RevisionID) (err error) {
	defer dress(&err, "note", name)
	p, err := o.enter(ctx, name, false)
	if err != nil {
		return err
	}
	unlock, err := p.locked(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := o.held(p, id); err != nil {
		return err
	}
	side, err := readSidecar(p.witness)
	if err != nil || side.Write != string(id) {
		return err
	}
	side.Read = true
	text, err := json.Marshal(side)
	if err != nil {
		return err
	}
	if _, err := fill(p.sideTemp(), text, 0o600, -1); err != nil {
		return err
	}
	_, err = replace(p.sideTemp(), p.witness)
	return err
}
