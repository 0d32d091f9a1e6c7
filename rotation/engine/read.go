package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (p *pass) place() place { return p.t.place() }

// read takes the head and decides whether it is this key's truth. stop says that
// it is not: the result tells what to do, and nothing is written.
func (p *pass) read(ctx context.Context) (stop bool, err error) {
	p.result.Set = nil
	// What another pass of this process learns while the call is under way says
	// nothing about it.
	p.e.remember(p.place(), func(m *memory) { p.known = *m })
	p.head, err = p.t.Store.Read(ctx, p.t.Secret)
	halt := ""
	switch {
	case errors.Is(err, providers.ErrNotFound):
		p.head = providers.Revision{}
		halt = p.missing()
	case errors.Is(err, providers.ErrUnreadable), errors.Is(err, providers.ErrUnsafe):
		halt = p.advise(withoutHint(err))
	case err != nil:
		return false, err
	default:
		halt = p.readSet()
	}
	if halt == "" {
		return false, nil
	}
	if until := p.stale(); !until.IsZero() {
		p.result.Step = rotation.Step{Do: rotation.Wait, At: until, Why: "the store shows an older document than this process has seen, as it may for a while"}
		return true, nil
	}
	p.halt(halt)
	return true, nil
}

// readSet parses the head and holds it against what is known of the key.
func (p *pass) readSet() (halt string) {
	set, err := keyset.Parse(p.head.Value.Reveal())
	if err != nil {
		return p.advise(fmt.Sprintf("what is stored there is not a keyset that can be trusted: %v", err),
			"put back the document that rotate wrote last, from the store's own history or a backup")
	}
	if halt := p.notOurs(set); halt != "" {
		return halt
	}
	p.result.Set = set
	if p.restoring {
		return ""
	}
	p.saw(set)
	p.e.claim(p.t, set)
	return ""
}

// stale is until when an old head may be a stale read rather than an old truth;
// zero if it may not. A clock that was set back does not make it longer.
func (p *pass) stale() (until time.Time) {
	now, bound := p.e.Clock().Wall, p.t.Store.Traits().Stale
	if p.known.lineage != "" {
		until = p.known.at.Add(bound)
	}
	if left := until.Sub(now); left <= 0 || left > bound {
		return time.Time{}
	}
	return until
}

// missing tells whether an empty store may be believed. What an output remembers
// is not always this key: another config may write to the same place, and a note
// names a lineage, not a key.
func (p *pass) missing() (halt string) {
	const restart = ". Then restart the daemon, if one runs: it remembers what it has read"
	known := p.known
	shown := fmt.Sprintf("generation %d of the lineage %s", known.seen.Generation, known.lineage)
	switch {
	case known.lineage == "":
		return ""
	case known.whose == fromEarlier:
		return p.advise(fmt.Sprintf("the store has nothing under this name, but %s is of generation %d: the key was lost", known.whose, known.seen.Generation),
			"restore it; to begin anew on purpose, restart rotate")
	case known.other != "":
		return p.advise(fmt.Sprintf("the store has nothing under this name, and %s belongs to %s, which wrote %s there", known.whose, known.other, shown),
			"give the output a place of its own"+restart)
	}
	return p.advise(fmt.Sprintf("the store has nothing under this name, but %s was written from %s: the key was lost, or another key writes to that place, too", known.whose, shown),
		"if the key is new, give the output a place of its own: `rotate status -o json`, with the config of the other key, shows whose lineage that is. If it was in use, restore it. "+
			"To begin anew on purpose, remove what "+known.whose+" holds, too: everyone with a token of the lost key is logged out"+restart)
}

// notOurs says why a well-formed document is not the one that this key may go
// on from.
func (p *pass) notOurs(set *keyset.Set) (halt string) {
	switch {
	case set.Name != p.t.Name:
		return p.advise(fmt.Sprintf("it holds the keyset of %q", set.Name), "give every key a secret of its own")
	case set.Environment != p.t.Environment:
		return p.advise(fmt.Sprintf("it holds a keyset of environment %q, this is %q", set.Environment, p.t.Environment),
			"environments never share keys: check `environment:` and which account the store belongs to")
	case set.Writable() != nil:
		return p.advise(set.Writable().Error(), "run the newest rotate everywhere; this one only reads")
	}
	w := p.head.Witness
	if halt = p.behind(set, w.Lineage, keyset.Past{Generation: w.Generation, Digest: w.Digest}, storesRecord); halt != "" {
		return halt
	}
	return p.behind(set, p.known.lineage, p.known.seen, p.known.whose)
}

// storesRecord is whose witness a store's is.
const storesRecord = "the store's own record"

// behind holds a document against a witness of a newer truth.
func (p *pass) behind(set *keyset.Set, lineage string, w keyset.Past, whose string) (halt string) {
	switch {
	case lineage == "":
		return ""
	case lineage != set.Lineage:
		return p.advise(fmt.Sprintf("it holds a keyset of another lineage than %s", whose),
			"someone created it anew or copied it from elsewhere; put the right one back. `rotate accept` does not take it: it is another key, which belongs under a name and `secret:` of its own")
	case !set.Follows(w) && !p.restoring:
		return p.advise(fmt.Sprintf("it is at generation %d, but %s is of generation %d and is not among its ancestors: a restored backup, or a fork", set.Generation, whose, w.Generation),
			fmt.Sprintf("put the newest document back. Where it cannot be had: rotate accept %s --generation %d --dry-run tells which keys would be lost, and which deleted ones would verify again", p.t.Name, set.Generation))
	}
	return ""
}

// advise words a halt: what was found, that it is left as it is, and what to do.
func (p *pass) advise(what, todo string) string {
	msg := fmt.Sprintf("key %s, store %s, secret %s: %s. Nothing was overwritten; this key is not rotated until that is settled, the others are", p.t.Name, p.t.StoreName, p.t.Secret, what)
	if todo != "" {
		msg += "\nhint: " + todo
	}
	return msg
}

// withoutHint parts an error of a store from what it says to do.
func withoutHint(err error) (what, todo string) {
	var failed *providers.Error
	if !errors.As(err, &failed) || failed.Hint == "" {
		return err.Error(), ""
	}
	bare := *failed
	bare.Hint = ""
	return bare.Error(), failed.Hint
}

// saw keeps the newest document as a witness against older ones.
func (p *pass) saw(set *keyset.Set) {
	p.e.remember(p.place(), func(m *memory) {
		if m.lineage == set.Lineage && !set.Follows(m.seen) {
			return // another pass has seen a newer one meanwhile
		}
		m.lineage = set.Lineage
		m.seen = set.Past()
		m.at = p.e.Clock().Wall
		m.whose, m.other, m.refusal = fromEarlier, "", ""
	})
}

// fromEarlier is whose witness a document is that was read or written before.
const fromEarlier = "what this process saw earlier"

// heard keeps a note that was found elsewhere as a witness, unless something as
// new is known already. An output is written from a document that was read, so
// what its note names was once the store's truth. other is the key that it shows
// to be not this one but the one that it belongs to; "" if it shows none.
func (p *pass) heard(whose, other string, n providers.Note) {
	p.e.remember(p.place(), func(m *memory) {
		if m.lineage == n.Lineage && m.seen.Generation >= n.Generation {
			return
		}
		m.lineage, m.seen = n.Lineage, keyset.Past{Generation: n.Generation, Digest: n.Digest}
		m.at, m.whose, m.other = p.e.Clock().Wall, whose, other
	})
}
