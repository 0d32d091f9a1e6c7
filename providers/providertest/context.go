package providertest

import (
	"context"
	"errors"
	"slices"

	"github.com/keyrotate/rotate/providers"
)

// errGaveUp is why contexts end here: not context.Canceled, so that an error
// has to name the cause.
var errGaveUp = errors.New("the operator gave up")

// contextPromises cancel a context before each call. What is cancelled in the
// midst of a call differs from store to store; each adapter tests its own.
func contextPromises() []promise {
	return []promise{
		{"cancelled before a read", cancelled(func(b *bench, ctx context.Context, _ []providers.Revision) error {
			_, err := b.s.Read(ctx, name)
			return err
		})},
		{"cancelled before a create", func(b *bench) {
			_, err := b.s.Write(b.gone(), name, value("a"), "", note(1))
			b.fails(err, errGaveUp)
			b.fails(err, providers.ErrUnavailable, providers.ErrUnclear)
			b.absent()
		}},
		{"cancelled before an update", cancelled(func(b *bench, ctx context.Context, revs []providers.Revision) error {
			_, err := b.s.Write(ctx, name, value("late"), revs[2].ID, note(4))
			return err
		})},
		{"cancelled before a history", cancelled(func(b *bench, ctx context.Context, _ []providers.Revision) error {
			_, err := b.s.History(ctx, name)
			return err
		})},
		{"cancelled before an erase", cancelled(func(b *bench, ctx context.Context, revs []providers.Revision) error {
			_, err := b.s.Erase(ctx, name, revs[0].ID, revs[2].ID)
			return err
		})},
		{"past its deadline", cancelled(func(b *bench, _ context.Context, _ []providers.Revision) error {
			ctx, cancel := context.WithTimeoutCause(b.ctx, 0, errGaveUp)
			defer cancel()
			_, err := b.s.Read(ctx, name)
			return err
		})},
		{"the handle works on after it", func(b *bench) {
			rev := b.put("a", "", note(1))
			_, err := b.s.Write(b.gone(), name, value("late"), rev.ID, note(2))
			b.fails(err, errGaveUp)
			b.holds(b.put("b", rev.ID, note(2)))
		}},
	}
}

// cancelled makes a call with an ended context on a chain of three, and checks
// that it says so and did nothing.
func cancelled(call func(b *bench, ctx context.Context, revs []providers.Revision) error) func(*bench) {
	return func(b *bench) {
		revs := b.chain(3)
		err := call(b, b.gone(), revs)
		b.fails(err, errGaveUp)
		b.fails(err, providers.ErrUnavailable, providers.ErrUnclear)
		b.holds(revs[2])
		if got, want := b.history(), b.listed(revs...); !slices.Equal(got, want) {
			b.Errorf("the history is %v, want %v", got, want)
		}
	}
}

// gone is a context that has ended.
func (b *bench) gone() context.Context {
	ctx, cancel := context.WithCancelCause(b.ctx)
	cancel(errGaveUp)
	return ctx
}
