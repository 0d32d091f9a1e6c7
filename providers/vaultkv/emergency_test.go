package vaultkv

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// document is the keyset as the store has it.
func (l *life) document() *keyset.Set {
	l.t.Helper()
	rev, err := l.target.Store.Read(context.Background(), name)
	must(l.t, err)
	set, err := keyset.Parse(rev.Value.Reveal())
	must(l.t, err)
	return set
}

// halfway is a life with a previous key and a next one. kept is the data of
// every version that there was, as a snapshot of Vault has it.
func halfway(t *testing.T) (l *life, kept map[int]json.RawMessage) {
	l = newLife(t)
	kept = map[int]json.RawMessage{}
	must(t, l.start(t.Context()))
	for _, ask := range []engine.Ask{{}, {Rotate: true}, {}, {Rotate: true}} {
		_, err := l.engine.Pass(t.Context(), l.target, ask)
		must(t, err)
		for n, v := range l.f.Mounts["|secret"].Keys[name].Versions {
			if _, known := kept[n]; !known && v.Data != nil {
				kept[n] = v.Data
			}
		}
		time.Sleep(prop + rotation.Skew)
	}
	return l, kept
}

// Promise 4: whichever key has leaked, one pass leaves no version of Vault's that
// can be read and holds it.
func TestPromise4ACompromiseIsDestroyed(t *testing.T) {
	for victim := range 3 {
		t.Setenv("VAULT_SECRET_ID", "")
		synctest.Test(t, func(t *testing.T) {
			l, _ := halfway(t)
			leaked := l.document().Keys[victim]
			_, err := l.engine.Pass(t.Context(), l.target, engine.Ask{Revoke: []string{leaked.Kid}})
			must(t, err)
			if l.f.Readable(string(leaked.Text().Reveal())) {
				t.Errorf("the %s key can still be read", leaked.Status)
			}
			found, err := l.engine.Remains(t.Context(), l.target)
			left := found.Left
			if err != nil || len(left) > 0 || !slices.Contains(l.document().Revoked, leaked.Kid) {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// Promise 6: every version, made the newest again by `vault kv rollback` or from
// a copy, is noticed by what lies beside the versions below, and can be accepted.
func TestPromise6EveryOldVersionIsNoticed(t *testing.T) {
	for n, total := 1, 1; n <= total; n++ {
		t.Setenv("VAULT_SECRET_ID", "")
		synctest.Test(t, func(t *testing.T) {
			l, kept := halfway(t)
			newest := l.document()
			k := l.f.Mounts["|secret"].Keys[name]
			total = k.Current - 1
			if len(kept) < total {
				t.Fatalf("only %d versions are kept: %v", len(kept), slices.Sorted(maps.Keys(kept)))
			}
			daemon := l.engine
			k.Current++
			k.Versions[k.Current] = &vaultfake.Version{Created: time.Now(), Data: kept[n]}
			must(t, l.start(t.Context()))
			puts := strings.Count(strings.Join(l.f.Calls, " "), "PUT data")
			old := l.document()
			for range 3 {
				res, err := l.engine.Pass(t.Context(), l.target, engine.Ask{Rotate: true})
				if err != nil || res.Step.Do != rotation.Halt || res.Step.Why.Whose != rotation.TheStore {
					t.Fatalf("version %d: %v, %v", n, res.Step, err)
				}
				time.Sleep(time.Hour)
			}
			if strings.Count(strings.Join(l.f.Calls, " "), "PUT data") != puts {
				t.Errorf("version %d: something was overwritten", n)
			}
			_, err := l.engine.Accept(t.Context(), l.target, old.Generation, nil)
			must(t, err)
			if set := l.document(); set.Generation != newest.Generation+1 || set.Signing().Kid != old.Signing().Kid {
				t.Errorf("version %d: accepted as generation %d", n, set.Generation)
			}
			res, err := daemon.Pass(t.Context(), l.target, engine.Ask{})
			if err != nil || res.Step.Do == rotation.Halt {
				t.Errorf("version %d: a daemon that saw the newest: %v, %v", n, res.Step, err)
			}
		})
		t.Logf("version %d of %d", n, total)
	}
}
