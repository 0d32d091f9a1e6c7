package engine

import (
	"context"
	"errors"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// read takes the head and decides whether it is this key's truth. stop says that
// it is not: the result tells what to do, and nothing is written.
func (p *pass) read(ctx context.Context) (stop bool, err error) {
	p.result.Set, p.removed, p.alarms = nil, nil, nil
	// What another pass of this process learns while the call is under way says
	// nothing about it.
	p.e.remember(p.t.place(), func(m *memory) { p.known = *m })
	p.head, err = p.t.Store.Read(ctx, p.t.Secret)
	var halt rotation.Reason
	switch {
	case errors.Is(err, providers.ErrNotFound):
		p.head = providers.Revision{}
		halt = p.trust.Nothing(p.known.newest)
	case errors.Is(err, providers.ErrUnreadable), errors.Is(err, providers.ErrUnsafe):
		// guard 6: a store that lost the key is not filled anew
		halt = failure(rotation.StoreFailure, err)
	case err != nil:
		return false, err
	default:
		halt = p.readSet()
	}
	if halt.IsZero() {
		return false, nil
	}
	if until := rotation.StaleUntil(p.e.Clock().Wall, p.known.at, p.t.Store.Traits().Stale); !until.IsZero() {
		halt.Code = rotation.StaleRead
		p.result.Step = rotation.Step{Do: rotation.Wait, At: until, Why: halt}
		return true, nil
	}
	p.halt(halt)
	return true, nil
}

// readSet parses the head and holds it against what is known of the key.
func (p *pass) readSet() (halt rotation.Reason) {
	record := witness(rotation.TheStore, p.head.Witness)
	set, err := keyset.Parse(p.head.Value.Reveal())
	if err != nil {
		return p.trust.Unparsed(err, witness("", p.head.Note), record, p.known.newest)
	}
	if halt := p.trust.Document(set, record, p.known.newest); !halt.IsZero() {
		return halt
	}
	if set.Removed != nil {
		p.buried(set)
		return rotation.Reason{}
	}
	p.result.Set = set
	if !p.trust.Restoring {
		p.saw(set)
		p.e.claim(p.t, set)
	}
	return rotation.Reason{}
}

func (p *pass) saw(set *keyset.Set) {
	p.e.remember(p.t.place(), func(m *memory) { m.saw(set, p.e.Clock().Wall) })
}

func (p *pass) heard(w rotation.Witness) {
	p.e.remember(p.t.place(), func(m *memory) { m.heard(w, p.e.Clock().Wall) })
}

// witness is what a note tells of a key's past.
func witness(whose string, n providers.Note) rotation.Witness {
	return rotation.Witness{Whose: whose, Lineage: n.Lineage, Past: keyset.Past{Generation: n.Generation, Digest: n.Digest}}
}
