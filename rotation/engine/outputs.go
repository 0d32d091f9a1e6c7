package engine

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// outputTimeout is how long one output may take for a read and a write. One that
// never answers must not hold up the key for longer in a pass.
const outputTimeout = 15 * time.Second

var errNoAnswer = errors.New("it did not answer in time")

// outputs are a key's, in one pass.
type outputs struct {
	all     []Output
	wrote   map[string]tried                // in this pass
	current map[string]providers.RevisionID // heads of those that are up to date
	lagging map[string]synced               // the others
	untold  map[string]untold               // whose After failed, in this pass
}

// A tried is a write of an output in this pass.
type tried struct {
	generation uint64
	failed     rotation.Reason
}

// A synced is what came of one output in one round.
type synced struct {
	revision providers.RevisionID
	copy     string // covers an older value that readers had for a while, so all waits begin again
	note     rotation.Witness
	shown    *providers.Note // beside the value that was read; nil if nothing was
	wrote    *tried          // it was written, and has to be read back
	behind   rotation.Reason // why it is; zero if it is not

	wasRead     bool // its place has noted that readers were made to read it
	unread      bool // it holds the newest keys, and is behind because they were not
	readUnknown bool // this process only looks, and nothing tells whether they were
}

// state names what readers of the output find.
func (s synced) state() string {
	// guard 2: an older value that was covered in an output begins the wait anew
	return string(s.revision) + s.copy
}

// syncOutputs brings the outputs up to date. again asks for another read of the
// store: something was written, or an output remembers a newer document than
// was read.
func (p *pass) syncOutputs(ctx context.Context) (again bool) {
	p.result.Outputs = nil
	set := p.result.Set
	if set == nil {
		return false
	}
	p.outputs.lagging = map[string]synced{}
	found := p.outputs.sync(ctx, set, p.readOnly)
	// guard 2: an output counts once its readers were made to read it
	p.makeRead(ctx, found)
	p.outputs.current = map[string]providers.RevisionID{}
	for i, o := range p.t.Outputs {
		got := found[i]
		state := rotation.Output{
			Name: o.Name, CarriesNext: o.CarriesNext, Behind: got.behind, ReadUnknown: got.readUnknown,
			Revision: got.state(),
		}
		if n := got.note; n.Lineage == set.Lineage {
			state.Generation = n.Generation
			// guard 6: an output remembers a newer document
			if n.Generation > set.Generation {
				p.heard(n)
				again = true
			}
		}
		switch {
		case !got.behind.IsZero() && !got.unread:
			p.outputs.lagging[o.Name] = got
		case got.wrote != nil:
			p.outputs.wrote[o.Name] = *got.wrote
			// guard 2: what was written to an output is read back
			again = true
		default:
			p.outputs.current[o.Name] = got.revision
		}
		p.result.Outputs = append(p.result.Outputs, state)
	}
	return again
}

// remembered tells whether an output was written from a keyset of this key,
// although the store has none.
func (p *pass) remembered(ctx context.Context) (found bool) {
	for _, got := range p.outputs.read(ctx) {
		if got.err == nil && got.witness.Lineage != "" {
			p.heard(p.was(ctx, got.witness, p.t.other(got.rev.Value)))
			found = true
		}
	}
	return found
}

// other is the keyset that an output shows, if that is not this key's; nil if its
// format does not tell.
func (t Target) other(v secret.Text) *keyset.Set {
	set, err := keyset.Parse(bytes.TrimSpace(v.Reveal()))
	if err != nil || set.Name == t.Name && set.Environment == t.Environment {
		return nil
	}
	return set
}

// A held is what an output holds.
type held struct {
	name    string
	rev     providers.Revision
	witness rotation.Witness // rev's note
	err     error
}

// read reads all of them at once.
func (os outputs) read(ctx context.Context) []held {
	all := make([]held, len(os.all))
	var wg sync.WaitGroup
	for i, o := range os.all {
		wg.Go(func() { all[i] = readOutput(ctx, o) })
	}
	wg.Wait()
	return all
}

func readOutput(ctx context.Context, o Output) (h held) {
	defer bug.Catch(&h.err)
	limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
	defer cancel()
	h.name = o.Name
	h.rev, h.err = o.Store.Read(limited, o.Secret)
	h.witness = o.witness(h.rev.Note)
	return h
}

// sync compares every output with the newest rendering and writes those that
// differ, all at once. An output that fails or hangs is behind, and stops no
// other.
func (os outputs) sync(ctx context.Context, set *keyset.Set, readOnly bool) []synced {
	found := make([]synced, len(os.all))
	var wg sync.WaitGroup
	for i, o := range os.all {
		before, wrote := os.wrote[o.Name]
		again := wrote && before.generation == set.Generation
		wg.Go(func() {
			limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
			defer cancel()
			found[i] = syncOutput(limited, o, set, before, again, readOnly)
		})
	}
	wg.Wait()
	return found
}

// syncOutput reads one output and writes it if it differs. It writes once for each generation and pass, so a place
// that keeps nothing is not written again and again. again says that before is that write.
func syncOutput(ctx context.Context, o Output, set *keyset.Set, before tried, again, readOnly bool) (got synced) {
	var panicked error
	defer func() {
		if panicked != nil {
			got.behind = behind(panicked)
		}
	}()
	defer bug.Catch(&panicked)
	want, err := o.Render(set)
	if err != nil {
		return synced{behind: rotation.Reason{Code: rotation.OutputUnrendered, Cause: err.Error()}}
	}
	rev, err := o.Store.Read(ctx, o.Secret)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		return synced{behind: behind(err)}
	}
	got.shown, got.revision, got.copy, got.note = &rev.Note, rev.ID, rev.Copy, o.witness(rev.Note)
	got.wasRead = rev.WasRead
	equal := err == nil && rev.Value.Equal(want)
	if equal && (again || rev.Note.Lineage == set.Lineage) {
		return got
	}
	if !equal && rev.ID != "" { // else only its note was lost, and is written anew
		adopted := rev.Note.Lineage == "" && o.Adopted != nil && o.Adopted(set, rev.Value)
		if string(rev.Value.Reveal()) != tombstone { // of a key that is gone from there
			got.behind = rotation.MayReplace(set, got.note, adopted)
		}
	}
	switch {
	case !got.behind.IsZero():
	case readOnly:
		got.behind = rotation.Reason{Code: rotation.OutputOld, Have: rev.Note.Generation, Want: set.Generation}
	case again && !before.failed.IsZero():
		got.behind = before.failed
	case again:
		got.behind = rotation.Reason{Code: rotation.OutputNotKept}
	default:
		got.wrote = &tried{generation: set.Generation, failed: behind(o.write(ctx, set, want, rev.ID))}
	}
	return got
}

func (o Output) write(ctx context.Context, set *keyset.Set, v secret.Text, after providers.RevisionID) error {
	note := noteOf(set)
	if o.OneKey {
		note.Digest = rotation.KidNote(set.Signing().Kid)
	}
	_, err := o.Store.Write(ctx, o.Secret, v, after, note)
	return err
}

// behind is why an output is, after a call that failed; zero if none did.
func behind(err error) rotation.Reason {
	switch {
	case err == nil:
		return rotation.Reason{}
	case errors.Is(err, errNoAnswer):
		r := failure(rotation.OutputFailure, err)
		r.Code = rotation.OutputSilent
		return r
	}
	return failure(rotation.OutputFailure, err)
}

// witness is what a note tells of the store's past. That of an output with one
// key names the key in place of the document, so it tells the generation only.
func (o Output) witness(n providers.Note) rotation.Witness {
	if o.OneKey {
		n.Digest = ""
	}
	w := witness(rotation.AnOutput, n)
	w.Output = o.Name
	return w
}
