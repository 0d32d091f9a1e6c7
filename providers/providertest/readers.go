package providertest

import (
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

func readersPromises() []promise {
	return []promise{
		{"of a name that was never written are no error", finder(func(b *bench, f providers.ReaderFinder) {
			if _, err := f.Readers(b.ctx, name); err != nil {
				b.Errorf("looking at the readers of nothing: %v", err)
			}
		})},
		{"are told without the value, with what was not seen", finder(func(b *bench, f providers.ReaderFinder) {
			const text = "canary-of-the-readers"
			if _, err := b.s.Write(b.ctx, name, value(text), "", note(1)); err != nil {
				b.Fatal(err)
			}
			b.settle()
			found, err := f.Readers(b.ctx, name)
			if err != nil {
				b.Fatal(err)
			}
			if len(found.Unseen) == 0 { // no service tells of all: root, an administrator, a backup
				b.Errorf("nothing is said to be unseen: %+v", found)
			}
			for _, r := range found.Known {
				if r.Who == "" || r.By == "" {
					b.Errorf("a reader without a name or a reason: %+v", r)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v", found), text) {
				b.Error("the value is in it")
			}
		})},
		{"cancelled before it", finder(func(b *bench, f providers.ReaderFinder) {
			_, err := f.Readers(b.gone(), name)
			b.fails(err, providers.ErrUnavailable)
		})},
	}
}

// finder keeps a promise of stores that tell who may read.
func finder(keep func(*bench, providers.ReaderFinder)) func(*bench) {
	return func(b *bench) {
		f, ok := providers.As[providers.ReaderFinder](b.raw)
		if !ok {
			b.Skipf("the store tells nothing of readers")
		}
		keep(b, f)
	}
}
