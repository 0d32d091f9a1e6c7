package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/providers"
)

func listPromises() []promise {
	return []promise{
		{"is empty for an empty store", lister(func(b *bench, l providers.Lister) {
			if all := b.names(l); len(all) != 0 {
				b.Errorf("it has %v", all)
			}
		})},
		{"has each name once, in order", lister(func(b *bench, l providers.Lister) {
			want := b.stored()
			if got := b.names(l); !slices.Equal(got, want) {
				b.Errorf("it has %v, want %v", got, want)
			}
		})},
		{"is the same through another handle", lister(func(b *bench, _ providers.Lister) {
			want := b.stored()
			other, _ := providers.As[providers.Lister](b.h.Reopen(b, b.raw))
			if got := b.names(other); !slices.Equal(got, want) {
				b.Errorf("it has %v, want %v", got, want)
			}
		})},
		{"shows the newest note, or says that a read tells", lister(func(b *bench, l providers.Lister) {
			b.chain(3)
			for _, found := range b.list(l) {
				if !found.Untold && found.Note != note(3) {
					b.Errorf("%s has the note %+v, want %+v", found.Name, found.Note, note(3))
				}
			}
		})},
		{"tells no time that is not the write's", lister(func(b *bench, l providers.Lister) {
			before := time.Now().Add(-time.Minute)
			b.chain(2)
			for _, found := range b.list(l) {
				for _, at := range []time.Time{found.Created, found.Written} {
					if !at.IsZero() && (at.Before(before) || at.After(time.Now().Add(time.Minute))) {
						b.Errorf("%s shows the time %s", found.Name, at)
					}
				}
			}
		})},
		{"cancelled before it", lister(func(b *bench, l providers.Lister) {
			_, err := l.List(b.gone())
			b.fails(err, errGaveUp)
			b.fails(err, providers.ErrUnavailable)
		})},
	}
}

// lister keeps a promise of stores that list.
func lister(keep func(*bench, providers.Lister)) func(*bench) {
	return func(b *bench) {
		l, ok := providers.As[providers.Lister](b.raw)
		if !ok {
			b.Skipf("the store does not list")
		}
		if _, err := l.List(context.WithoutCancel(b.ctx)); errors.Is(err, providers.ErrDenied) {
			b.Skipf("the store may not list: %v", err)
		}
		keep(b, l)
	}
}

// list lists the store once it shows what was written.
func (b *bench) list(l providers.Lister) []providers.Listed {
	b.Helper()
	b.settle()
	all, err := l.List(b.ctx)
	if err != nil {
		b.Fatalf("listing: %v", err)
	}
	return all
}

func (b *bench) names(l providers.Lister) (all []string) {
	b.Helper()
	for _, found := range b.list(l) {
		all = append(all, found.Name)
	}
	return all
}

// stored writes more names than the smallest page of a service has (Azure: 25), and
// returns them in order.
func (b *bench) stored() (all []string) {
	b.Helper()
	for i := range 27 {
		n := fmt.Sprintf("production-key-%02d", (i*7)%27)
		if _, err := b.s.Write(b.ctx, n, value(n), "", note(1)); err != nil {
			b.Fatalf("%s: %v", n, err)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}
