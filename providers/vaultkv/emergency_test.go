package vaultkv

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// keys is the keyset as the store has it.
func keys(l *life.Life) *keyset.Set {
	_, set := l.Head()
	return set
}

// halfway is a life with a previous key and a next one. kept is the data of
// every version that there was, as a snapshot of Vault has it.
func halfway(t *testing.T) (l *life.Life, f *vaultfake.Fake, kept map[int]json.RawMessage) {
	l, f = newLife(t)
	kept = map[int]json.RawMessage{}
	l.Halfway(func() {
		for n, v := range f.Mounts["|secret"].Keys[name].Versions {
			if _, known := kept[n]; !known && v.Data != nil {
				kept[n] = v.Data
			}
		}
	})
	return l, f, kept
}

// Promise 4: whichever key has leaked, one pass leaves no version of Vault's that
// can be read and holds it.
func TestPromise4ACompromiseIsDestroyed(t *testing.T) {
	for victim := range 3 {
		loggedIn(t)
		synctest.Test(t, func(t *testing.T) {
			l, f, _ := halfway(t)
			leaked := keys(l).Keys[victim]
			l.Pass(engine.Ask{Revoke: []string{leaked.Kid}})
			if f.Readable(string(leaked.Text().Reveal())) {
				t.Errorf("the %s key can still be read", leaked.Status)
			}
			found, err := l.Engine.Remains(t.Context(), l.Target)
			left := found.Left
			if err != nil || len(left) > 0 || !slices.Contains(keys(l).Revoked, leaked.Kid) {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// Promise 6: every version, made the newest again by `vault kv rollback` or from
// a copy, is noticed by what lies beside the versions below, and can be accepted.
func TestPromise6EveryOldVersionIsNoticed(t *testing.T) {
	for n, total := 1, 1; n <= total; n++ {
		loggedIn(t)
		synctest.Test(t, func(t *testing.T) {
			l, f, kept := halfway(t)
			newest := keys(l)
			k := f.Mounts["|secret"].Keys[name]
			total = k.Current - 1
			if len(kept) < total {
				t.Fatalf("only %d versions are kept: %v", len(kept), slices.Sorted(maps.Keys(kept)))
			}
			daemon := l.Engine
			k.Current++
			k.Versions[k.Current] = &vaultfake.Version{Created: time.Now(), Data: kept[n]}
			must(t, l.Start())
			puts := strings.Count(strings.Join(f.Kinds(), " "), "PUT data")
			old := keys(l)
			for range 3 {
				res, err := l.Engine.Pass(t.Context(), l.Target, engine.Ask{Rotate: true})
				if err != nil || res.Step.Do != rotation.Halt || res.Step.Why.Whose != rotation.TheStore {
					t.Fatalf("version %d: %v, %v", n, res.Step, err)
				}
				time.Sleep(time.Hour)
			}
			if strings.Count(strings.Join(f.Kinds(), " "), "PUT data") != puts {
				t.Errorf("version %d: something was overwritten", n)
			}
			_, err := l.Engine.Accept(t.Context(), l.Target, old.Generation, nil)
			must(t, err)
			if set := keys(l); set.Generation != newest.Generation+1 || set.Signing().Kid != old.Signing().Kid {
				t.Errorf("version %d: accepted as generation %d", n, set.Generation)
			}
			res, err := daemon.Pass(t.Context(), l.Target, engine.Ask{})
			if err != nil || res.Step.Do == rotation.Halt {
				t.Errorf("version %d: a daemon that saw the newest: %v, %v", n, res.Step, err)
			}
		})
		t.Logf("version %d of %d", n, total)
	}
}
