package ops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Backup is a restored document on its way to being accepted. It is not safe for
// concurrent use.
type Backup struct {
	Key        *fleet.Key
	Generation uint64 // that a person looked at
	Found      engine.Restored
	Told       []string // kids that the person named as revoked
	Filed      []string // kids of Found that the audit file knows as revoked, and nothing else does
	Unfiled    error    // why the audit file could not be read; nil if it was, or if there is none

	host   *Host
	engine *engine.Engine
}

// Restored finds out what would be accepted: generation is what a person looked at,
// revoked the kids that they name. Without a witness against the document there is
// nothing to accept, and Found has none.
func (h *Host) Restored(ctx context.Context, k *fleet.Key, generation uint64, revoked []string) (*Backup, error) {
	found, r, err := h.Look().Restored(ctx, k.Target)
	switch {
	case errors.Is(err, engine.ErrNotRestored):
		return nil, say.Failed(say.NothingToAccept(k.Name, k.Place()))
	case err != nil:
		return nil, err
	case r.Step.Do == rotation.Halt:
		return nil, say.Hint(Halted(k, r.Step.Why), say.OnlyWhole)
	}
	b := &Backup{Key: k, Generation: generation, Found: found, host: h, engine: h.Engine()}
	at := found.Set.Generation
	switch {
	case len(found.Witnesses) == 0:
		return b, nil
	case generation != at:
		return nil, refuse(say.WhichGeneration(k.Name, generation, at))
	}
	for _, kid := range revoked {
		whole, err := FindKid(found.Set, kid)
		if err != nil {
			return nil, err
		}
		b.Told = append(b.Told, whole)
	}
	b.Unfiled = b.recall()
	return b, nil
}

// recall looks into the audit file of this host, which no backup of the store
// takes back, for keys that would come to life again although they were revoked.
func (b *Backup) recall() error {
	path := b.host.Trail.Path()
	if path == "" {
		return nil
	}
	events, _, err := audit.Read(path, b.Key.Names(), b.Key.StoreName, b.Key.Secret)
	known := slices.Concat(b.Told, b.Found.Revoked)
	for _, ev := range events {
		if _, back := b.Found.Set.Key(ev.Kid); ev.Action == string(rotation.Revoke) && ev.To == "" && back && !slices.Contains(known, ev.Kid) {
			b.Filed, known = append(b.Filed, ev.Kid), append(known, ev.Kid)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Unknown tells that no output shows what was revoked since the document was
// written, so that a person has to say.
func (b *Backup) Unknown() bool { return b.Found.Newer == nil && !b.Found.Notes() }

// A Fate is what becomes of a key of the restored document.
type Fate string

// The fates of a key. Changed is that it has another status by now.
const (
	RevokedByOutput Fate = "revoked, as an output knows"
	RevokedByPerson Fate = "revoked, as a person says"
	RevokedByFile   Fate = "revoked, as the audit file says"
	LiveAgain       Fate = "live again"
	ComesBack       Fate = "deleted since"
	Changed         Fate = "changed"
	Unchanged       Fate = "as before"
)

// Fate tells what becomes of a key, and for Changed its status by now.
func (b *Backup) Fate(k keyset.Key) (Fate, keyset.Status) {
	newer := b.Found.Newer
	switch {
	case slices.Contains(b.Found.Revoked, k.Kid):
		return RevokedByOutput, ""
	case slices.Contains(b.Told, k.Kid):
		return RevokedByPerson, ""
	case slices.Contains(b.Filed, k.Kid):
		return RevokedByFile, ""
	case b.Found.Notes():
		return Unchanged, ""
	case newer == nil:
		return LiveAgain, ""
	}
	if now, live := newer.Key(k.Kid); !live {
		return ComesBack, ""
	} else if now.Status != k.Status {
		return Changed, now.Status
	}
	return Unchanged, ""
}

// An Acceptance is what came of a Backup.
type Acceptance struct {
	*Backup
	Mine bool  // this process wrote it; else another one was faster
	Wish *Wish // the key as it goes on; nil if that failed after the document was accepted
}

// Accept writes the document again above everything that is remembered, and brings
// the outputs up to date. With an error and an acceptance, the document is accepted
// and has to be gone on with.
func (b *Backup) Accept(ctx context.Context) (*Acceptance, error) {
	b.host.command(b.Key, fmt.Sprintf("rotate accept --generation %d", b.Generation))
	// What was told to be revoked stays so, whatever becomes of the output that knew it.
	r, err := b.engine.Accept(ctx, b.Key.Target, b.Generation, slices.Concat(b.Told, b.Found.Revoked, b.Filed))
	switch {
	case err != nil:
		return nil, err
	case r.Step.Do == rotation.Halt:
		return nil, Halted(b.Key, r.Step.Why)
	}
	done := &Acceptance{Backup: b, Mine: len(r.Did) > 0}
	r, err = b.host.Rest(ctx, b.engine, b.Key, engine.Ask{})
	switch {
	case err != nil:
		return done, err
	case r.Step.Do == rotation.Halt:
		return nil, Halted(b.Key, r.Step.Why)
	}
	done.Wish = &Wish{Key: b.Key, Last: r, Did: r.Did}
	return done, nil
}
