package providertest

import (
	"slices"

	"github.com/keyrotate/rotate/providers"
)

// pausePromises freeze a rotation before or after each of its calls, let
// another process rotate meanwhile, and thaw it. The other's write is never
// lost, and a frozen process that holds an old head is told.
func pausePromises() []promise {
	return []promise{
		{"before its read", paused(Read, false, nil)},
		{"after its read", paused(Read, true, providers.ErrConflict)},
		{"before its write", paused(Write, false, providers.ErrConflict)},
		{"after its write", paused(Write, true, providers.ErrConflict)},
		{"before its history", paused(History, false, providers.ErrConflict)},
		{"after its history", paused(History, true, providers.ErrConflict)},
		{"before its erase", paused(Erase, false, providers.ErrConflict)},
		{"after its erase", paused(Erase, true, nil)},
		{"before its create", func(b *bench) {
			thaw := b.freeze(Write, false, func(s providers.Store) error {
				_, err := s.Write(b.ctx, name, value("frozen"), "", note(1))
				return err
			})
			first := b.put("first", "", note(1))
			b.fails(thaw(), providers.ErrConflict)
			b.holds(first)
		}},
		{"after its create", func(b *bench) {
			thaw := b.freeze(Write, true, func(s providers.Store) error {
				_, err := s.Write(b.ctx, name, value("frozen"), "", note(1))
				return err
			})
			b.refused(providers.ErrConflict, value("second"), "")
			next := b.put("next", b.read(b.s).ID, note(2))
			if err := thaw(); err != nil {
				b.Errorf("the frozen create did happen, but says %v", err)
			}
			b.holds(next)
		}},
	}
}

// paused freezes the rotation at one call and checks how it ends: with nil or
// with a kind.
func paused(op Op, after bool, want error) func(*bench) {
	return func(b *bench) {
		b.put("base", "", note(1))
		b.settle()
		thaw := b.freeze(op, after, b.rotate)
		theirs := b.put("theirs", b.read(b.s).ID, note(9))
		b.settle()
		err := thaw()
		switch {
		case want != nil:
			b.fails(err, want)
		case err != nil:
			b.Errorf("the thawed rotation fails: %v", err)
		}
		if op == Read && !after { // it started only after theirs, and built on it
			theirs.Value = value("mine")
			theirs.ID = b.read(b.s).ID
		}
		b.holds(theirs)
		if h := b.history(); len(h) == 0 || slices.Index(h, theirs.ID) != len(h)-1 {
			b.Errorf("the history does not end with the head: %v", h)
		}
	}
}

// rotate reads the head, writes after it, and erases what it replaced.
func (b *bench) rotate(s providers.Store) error {
	b.settle()
	base, err := s.Read(b.ctx, name)
	if err != nil {
		return err
	}
	head, err := s.Write(b.ctx, name, value("mine"), base.ID, note(2))
	if err != nil {
		return err
	}
	if _, err := s.History(b.ctx, name); err != nil {
		return err
	}
	_, err = s.Erase(b.ctx, name, base.ID, head.ID)
	return err
}

// freeze starts work, which freezes at its first call of op, and returns when
// it has. The result thaws it and returns how it ended.
func (b *bench) freeze(op Op, after bool, work func(providers.Store) error) (thaw func() error) {
	b.Helper()
	gate, frozen, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	fault := Fault{Paused: frozen}
	if after {
		fault.PauseAfter = gate
	} else {
		fault.PauseBefore = gate
	}
	f := NewFaulty(b.h.Reopen(b, b.raw))
	f.On(Nth(op, 1, fault))
	go func() { ended <- work(b.audit.wrap(f)) }()
	select {
	case <-frozen:
	case err := <-ended:
		b.Fatalf("it ended before its first %s: %v", op, err)
	}
	return func() error {
		close(gate)
		return <-ended
	}
}
