package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// A tried is a write of an output in this pass.
type tried struct {
	generation uint64
	err        error
}

// syncOutputs holds every output against the newest rendering and writes those
// that differ, all at once: an output that fails or hangs is behind, and keeps
// no other from being written. again says that the store has to be read before
// the outputs can be spoken of: something was written, or an output remembers a
// newer document than was read.
func (p *pass) syncOutputs(ctx context.Context) (seen []rotation.Output, again bool) {
	if p.result.Set == nil {
		return nil, false
	}
	p.lagging = map[string]synced{}
	synced := make([]synced, len(p.t.Outputs))
	var wg sync.WaitGroup
	for i, o := range p.t.Outputs {
		before, wrote := p.wrote[o.Name]
		wg.Go(func() {
			limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
			defer cancel()
			synced[i] = p.syncOutput(limited, o, before, wrote)
		})
	}
	wg.Wait()
	p.current = map[string]providers.RevisionID{}
	for i, o := range p.t.Outputs {
		got := synced[i]
		state := rotation.Output{Name: o.Name, CarriesNext: o.CarriesNext, Revision: string(got.revision) + got.copy}
		if n := got.note; n.Lineage == p.result.Set.Lineage {
			state.Generation = n.Generation
			if n.Generation > p.result.Set.Generation {
				p.heard("output "+o.Name, "", o.witness(n))
				again = true
			}
		}
		switch {
		case got.err != nil:
			state.Behind = got.err.Error()
			p.lagging[o.Name] = got
		case got.wrote != nil:
			p.wrote[o.Name] = *got.wrote
			again = true
		default:
			p.current[o.Name] = got.revision
		}
		seen = append(seen, state)
	}
	return seen, again
}

// remembered tells whether an output was written from a keyset of this key,
// although the store has none.
func (p *pass) remembered(ctx context.Context) (found bool) {
	for _, got := range p.readOutputs(ctx) {
		if got.err == nil && got.rev.Note.Lineage != "" {
			p.heard("output "+got.name, p.other(got.rev.Value), got.rev.Note)
			found = true
		}
	}
	return found
}

// other is the key whose keyset an output shows, if that is not this one; "" if
// its format does not tell.
func (p *pass) other(v secret.Text) string {
	set, err := keyset.Parse(bytes.TrimSpace(v.Reveal()))
	if err != nil || set.Name == p.t.Name && set.Environment == p.t.Environment {
		return ""
	}
	return fmt.Sprintf("key %q of environment %q", set.Name, set.Environment)
}

// A held is what an output holds.
type held struct {
	name string
	rev  providers.Revision
	err  error
}

// readOutputs reads all of them at once.
func (p *pass) readOutputs(ctx context.Context) []held {
	all := make([]held, len(p.t.Outputs))
	var wg sync.WaitGroup
	for i, o := range p.t.Outputs {
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
	h.rev.Note = o.witness(h.rev.Note)
	return h
}

// A synced is what came of one output in one round.
type synced struct {
	revision providers.RevisionID
	copy     string // since it is there all waits begin anew: until then something older was read
	note     providers.Note
	read     bool   // it was read; else nothing is known of it
	wrote    *tried // it was written, and has to be read back
	err      error  // why it is behind
}

// syncOutput reads one output, and writes it if it differs, once a generation
// and pass: a place that does not keep what it is given is not written again and
// again.
func (p *pass) syncOutput(ctx context.Context, o Output, before tried, wrote bool) (got synced) {
	defer bug.Catch(&got.err)
	set := p.result.Set
	want, err := o.Render(set)
	if err != nil {
		return synced{err: fmt.Errorf("cannot be rendered: %w", err)}
	}
	rev, err := o.Store.Read(ctx, o.Secret)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		return synced{err: err}
	}
	got.read, got.revision, got.copy, got.note = true, rev.ID, rev.Copy, rev.Note
	again := wrote && before.generation == set.Generation
	equal := err == nil && rev.Value.Equal(want)
	if equal && (again || rev.Note.Lineage == set.Lineage) {
		return got
	}
	if !equal { // else only its note was lost, and is written anew
		got.err = p.mayReplace(o, rev)
	}
	switch {
	case got.err != nil:
	case p.readOnly:
		got.err = errors.New("it is not up to date")
	case again && before.err != nil:
		got.err = before.err
	case again:
		got.err = errors.New("it does not hold what was written to it")
	default:
		got.wrote = &tried{generation: set.Generation, err: p.writeOutput(ctx, o, want, rev.ID)}
	}
	return got
}

func (p *pass) writeOutput(ctx context.Context, o Output, v secret.Text, after providers.RevisionID) error {
	set := p.result.Set
	note := noteOf(set)
	if o.OneKey {
		note.Digest = rotation.KidNote(set.Signing().Kid)
	}
	_, err := o.Store.Write(ctx, o.Secret, v, after, note)
	return err
}

// mayReplace refuses to write a lower generation over a higher one, and
// anything over a value that this keyset did not put there.
func (p *pass) mayReplace(o Output, rev providers.Revision) error {
	set := p.result.Set
	switch {
	case rev.ID == "":
		return nil
	case rev.Note.Lineage == "" && o.Adopted != nil && o.Adopted(set, rev.Value):
		return nil
	case rev.Note.Lineage == "":
		return errors.New("it holds a value that rotate did not write; nothing was overwritten. " +
			"If applications use that value, `rotate adopt` takes it in as the key, and then this place with it; if they do not, move it away")
	case rev.Note.Lineage != set.Lineage:
		return errors.New("it holds a value of another keyset; nothing was overwritten. Give the output a place of its own, or move that value away")
	case rev.Note.Generation > set.Generation:
		return fmt.Errorf("it holds generation %d, the store %d; nothing was overwritten. The store may have been restored from a backup: put the newest document back", rev.Note.Generation, set.Generation)
	}
	return nil
}

// witness is what a note tells of the store's past. That of an output with one
// key names the key in place of the document, so it tells the generation only.
func (o Output) witness(n providers.Note) providers.Note {
	if o.OneKey {
		n.Digest = ""
	}
	return n
}
