package engine

import (
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A place is one secret of one store.
type place struct{ store, secret string }

// place is where the keyset lives.
func (t Target) place() place { return place{t.StoreName, t.Secret} }

// memory is what an Engine keeps of one place between passes.
type memory struct {
	newest  rotation.Witness // of the newest document read or written, here or by whoever wrote an output
	at      time.Time        // when that was heard
	swept   providers.RevisionID
	dropped uint64          // the last removal that was swept up after
	sweepAt time.Time       // when something more can be erased; zero if nothing waits
	left    int             // revisions that the last sweep left
	behind  int             // sweeps in a row that were overtaken
	refusal rotation.Reason // the last one told, so that each is told once

	past   rotation.Place     // what the last sweep left; without a Content if there was none
	weaker []rotation.Erasure // what was erased less strongly than the store's kind promises
	traces []rotation.Trace   // how gone each removed key was at last
	traced time.Time          // when that was

	ready, settled *keyset.Mark // that this process made last

	read string // of an output: what its readers were made to read; see synced.state

	claim *claim // the live keys of the set that was read last; nil if none was
}

// remember hands the memory of a place to f, alone.
func (e *Engine) remember(p place, f func(*memory)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e.memoryOf(p))
}

// memoryOf is the memory of a place. e.mu is held.
func (e *Engine) memoryOf(p place) *memory {
	if e.memory == nil {
		e.memory = map[place]*memory{}
	}
	m := e.memory[p]
	if m == nil {
		m = &memory{}
		e.memory[p] = m
	}
	return m
}

// saw keeps the newest document as a witness against older ones.
func (m *memory) saw(set *keyset.Set, now time.Time) {
	if m.newest.Lineage == set.Lineage && !set.Follows(m.newest.Past) {
		return // another pass has seen a newer one meanwhile
	}
	m.newest = rotation.Witness{Whose: rotation.ThisProcess, Lineage: set.Lineage, Past: set.Past()}
	m.at, m.refusal = now, rotation.Reason{}
}

// heard keeps what an output shows as a witness, unless something as new is known
// already.
func (m *memory) heard(w rotation.Witness, now time.Time) {
	if m.newest.Lineage == w.Lineage && m.newest.Generation >= w.Generation {
		return
	}
	m.newest, m.at = w, now
}

// marked keeps the mark that this process made, to know it from another's.
func (m *memory) marked(set *keyset.Set, did rotation.Action) {
	switch did {
	case rotation.MarkReady:
		m.ready = set.Ready
	case rotation.MarkSettled:
		m.settled = set.Settled
	}
}
