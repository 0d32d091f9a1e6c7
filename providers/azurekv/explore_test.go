package azurekv

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Every order of the calls and sleeps of two writers, and three by lot; see
// providertest.Exploration. After each of them someone reads, and then
// applications read the head.
func TestEveryInterleaving(t *testing.T) {
	providertest.Explore(t, providertest.Exploration{Writers: 2, Scene: func() providertest.Scene { return scene(t) }})
	providertest.Exploration{Writers: 3, Scene: func() providertest.Scene { return scene(t) }}.Draw(t, 50)
}

// A board is the service, and the time, which passes only while someone sleeps.
type board struct {
	t   testing.TB
	f   *azurefake.Fake
	now time.Time
}

// scene has a secret of two versions, so that there is something to erase.
func scene(t testing.TB) providertest.Scene {
	b := &board{t: t, f: azurefake.New(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.f.Clock(func() time.Time { return b.now })
	s := b.store("setup", nil)
	write(t, s, "second", write(t, s, "first", "", 1).ID, 2)
	writers := 0
	return providertest.Scene{
		Store: func(turn providertest.Turn) providers.Store {
			writers++
			return b.store(fmt.Sprint("writer ", writers), turn)
		},
		// Applications read the newest version, so it must not be disabled either.
		Head: func() (providers.RevisionID, bool) {
			all := b.f.Versions(name)
			id, enabled := b.head(all)
			return providers.RevisionID(id), enabled && all[len(all)-1].Enabled
		},
		Holds: func() string { return fmt.Sprint(b.f.Versions(name), b.now.UnixNano()) },
		After: func(bool) string {
			rev, err := b.store("reader", nil).Read(context.Background(), name)
			all := b.f.Versions(name)
			if head, _ := b.head(all); err != nil || string(rev.ID) != head || all[len(all)-1].Value != string(rev.Value.Reveal()) {
				return fmt.Sprintf("after a Read (%v) of %s applications do not read the head %s", err, rev.ID, head)
			}
			return ""
		},
	}
}

// store is the real one, with a wire and a clock of the board.
func (b *board) store(who string, turn providertest.Turn) *store {
	challenge := func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }
	s, err := (&Config{Vault: azurefake.Vault}).store(credential{}, cloud.AzurePublic, &http.Client{Transport: &providertest.Gate{Fake: b.f, Turn: turn, Free: challenge}})
	must(b.t, err)
	s.sleep = func(_ context.Context, d time.Duration) error {
		passes := func() string { b.now = b.now.Add(d); return "" }
		if turn == nil {
			passes()
		} else if !turn(passes) {
			return providertest.ErrStopped
		}
		return nil
	}
	s.newID = func() string { return who + fmt.Sprint(len(b.f.Versions(name))) }
	return s
}

// head finds the settled head without the adapter's code.
func (b *board) head(all []azurefake.Version) (id string, enabled bool) {
	for parent := "none"; ; parent = id {
		best := azurefake.Version{}
		for _, v := range all {
			if v.Tags["rotate-parent"] == parent && (best.ID == "" || v.Created.Before(best.Created) || v.Created.Equal(best.Created) && v.ID < best.ID) {
				best = v
			}
		}
		if best.ID == "" || b.now.Truncate(time.Second).Before(best.Created.Add(2*time.Second)) {
			return id, enabled
		}
		id, enabled = best.ID, best.Enabled
	}
}
