package azurekv

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers"
)

// What this package believes of Azure, on a vault of the reader's own. It makes
// one secret, rotate-live-…, and deletes it; `make live-azurekv VAULT=name`.
func TestLive(t *testing.T) {
	vault := os.Getenv("ROTATE_AZUREKV_VAULT")
	if vault == "" {
		t.Skip("ROTATE_AZUREKV_VAULT is not set: `make live-azurekv VAULT=name` runs this")
	}
	opened, err := (&Config{Vault: vault, Cloud: os.Getenv("ROTATE_AZUREKV_CLOUD"), APIVersion: os.Getenv("ROTATE_AZUREKV_API_VERSION")}).Open(t.Context())
	must(t, err)
	live(t, opened.(*store))
}

// The fake does what is believed, and the test above is one that can pass.
func TestLiveOnTheFake(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, _ *azurefake.Fake, s *store, _ outside) { live(t, s) })
}

func live(t *testing.T, s *store) {
	l := &liveVault{T: t, s: s, o: outside{s.api}, secret: "rotate-live-" + newID()[:12]}
	must(t, s.Probe(t.Context()))
	_, err := s.Read(t.Context(), l.secret)
	fails(t, err, providers.ErrNotFound)
	l.head, err = l.write("first", "", 1)
	must(t, err)
	defer l.o.remove(t, l.secret)
	l.race()
	l.listed()
	l.limits()
	l.erased()
	l.deleted()
}

// A liveVault is one secret in a vault that is real, or stands for one.
type liveVault struct {
	*testing.T
	s      *store
	o      outside
	secret string
	head   providers.Revision
}

func (l *liveVault) write(v string, after providers.RevisionID, g uint64) (providers.Revision, error) {
	return l.s.Write(l.Context(), l.secret, providers.NewSecret([]byte(v)), after, note(g))
}

// isHead checks what rotate reads, and what applications do.
func (l *liveVault) isHead(when string) {
	l.Helper()
	got, err := l.s.Read(l.Context(), l.secret)
	if err != nil || got.ID != l.head.ID {
		l.Errorf("%s the head is %s, want %s (%v)", when, got.ID, l.head.ID, err)
	}
	if value, _, err := l.s.get(l.Context(), l.secret, ""); err != nil || !value.Equal(l.head.Value) {
		l.Errorf("%s applications do not read the head's value (%v)", when, err)
	}
}

// race lets eight write at once.
func (l *liveVault) race() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	base, won := l.head.ID, 0
	for i := range 8 {
		wg.Go(func() {
			rev, err := l.write(fmt.Sprint("racer ", i), base, 2)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won, l.head = won+1, rev
			case !errors.Is(err, providers.ErrConflict):
				l.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		l.Errorf("%d of 8 won, want 1", won)
	}
	l.isHead("after a race")
}

// listed checks that a listing shows at once what was written.
func (l *liveVault) listed() {
	for range 10 {
		id := l.o.set(l, l.secret, string(l.head.Value.Reveal()), version{of: string(l.head.ID), note: l.head.Note}.tags(nil))
		st, err := l.s.look(l.Context(), l.secret)
		must(l, err)
		if _, known := st.find(id); !known {
			l.Errorf("version %s is not listed", id)
		}
	}
}

func (l *liveVault) limits() {
	var err error
	l.head, err = l.s.Write(l.Context(), l.secret, providers.NewSecret([]byte(strings.Repeat("x", maxValue))), l.head.ID,
		providers.Note{Lineage: strings.Repeat("l", longTag), Generation: 3, Digest: strings.Repeat("d", longTag)})
	must(l, err)
	l.isHead("with the largest value")
}

// erased checks that what was erased is refused.
func (l *liveVault) erased() {
	revs, err := l.s.History(l.Context(), l.secret)
	must(l, err)
	for _, rev := range revs[:len(revs)-1] {
		_, err := l.s.Erase(l.Context(), l.secret, rev.ID, l.head.ID)
		must(l, err)
		if _, _, err := l.s.get(l.Context(), l.secret, string(rev.ID)); !isCode(err, "SecretDisabled") {
			l.Errorf("version %s was erased: %v", rev.ID, err)
		}
	}
	l.isHead("after an erasure")
}

func (l *liveVault) deleted() {
	l.o.remove(l, l.secret)
	_, err := l.s.Read(l.Context(), l.secret)
	fails(l, err, providers.ErrUnreadable)
	_, err = l.write("made up", "", 1)
	fails(l, err, providers.ErrUnreadable)
	l.o.recover(l, l.secret)
	time.Sleep(10 * time.Second) // it can be read before it can be written or deleted: azure-sdk-for-net#31581
	l.isHead("after a recovery")
}
