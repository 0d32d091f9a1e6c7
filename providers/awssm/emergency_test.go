package awssm

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// document is the keyset as the store has it.
func document(l *life.Life) *keyset.Set {
	_, set := l.Head()
	return set
}

// halfway is a life with a previous key and a next one.
func halfway(t *testing.T) (*life.Life, *awsfake.Fake) {
	l, f := newLife(t)
	l.Halfway(nil)
	return l, f
}

// Promise 4, as far as AWS goes: whichever key has leaked, one pass leaves no
// label on a version that holds it, and the audit log names exactly those that
// can still be read by their id.
func TestPromise4ACompromiseIsUnlabelledAndNamed(t *testing.T) {
	for victim := range 3 {
		synctest.Test(t, func(t *testing.T) {
			l, f := halfway(t)
			leaked := document(l).Keys[victim]
			l.Pass(engine.Ask{Revoke: []string{leaked.Kid}})
			found, err := l.Engine.Remains(t.Context(), l.Target)
			left := found.Left
			if err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
			var named, holding []string
			for _, ev := range l.Events() {
				if ev.Action == "erase" && ev.How == string(providers.Unlabelled) {
					named = append(named, ev.Revision)
				}
			}
			stages := f.Stages(name)
			for id, value := range f.Values(name) {
				if strings.Contains(value, string(leaked.Text().Reveal())) {
					holding = append(holding, id)
					if len(stages[id]) > 0 {
						t.Errorf("the %s key stands in a version with labels %v", leaked.Status, stages[id])
					}
				}
			}
			if len(holding) == 0 {
				t.Error("AWS is said to keep what is unlabelled, and this fake does not")
			}
			for _, id := range holding {
				if !slices.Contains(named, id) {
					t.Errorf("version %s holds the key and is not named", id)
				}
			}
		})
	}
}

// Promise 6: AWSCURRENT moved back to any older version is noticed by what
// AWSPREVIOUS then marks, and can be accepted.
func TestPromise6EveryOldVersionIsNoticed(t *testing.T) {
	total := 1
	for n := 0; n < total; n++ {
		synctest.Test(t, func(t *testing.T) {
			l, f := halfway(t)
			newest := document(l)
			ids := superseded(l, f)
			total = len(ids)
			outside{l.Target.Store.(*store).api}.restore(t, name, providers.RevisionID(ids[n]))
			daemon, writes := l.Engine, len(f.Values(name))
			must(t, l.Start())
			old := document(l)
			for range 3 {
				res, err := l.Engine.Pass(t.Context(), l.Target, engine.Ask{Rotate: true})
				if err != nil || res.Step.Do != rotation.Halt || res.Step.Why.Whose != rotation.TheStore {
					t.Fatalf("version %d: %v, %v", n, res.Step, err)
				}
				time.Sleep(time.Hour)
			}
			if len(f.Values(name)) != writes {
				t.Errorf("version %d: something was written", n)
			}
			_, err := l.Engine.Accept(t.Context(), l.Target, old.Generation, nil)
			must(t, err)
			if set := document(l); set.Generation != newest.Generation+1 || set.Signing().Kid != old.Signing().Kid {
				t.Errorf("version %d: accepted as generation %d", n, set.Generation)
			}
			res, err := daemon.Pass(t.Context(), l.Target, engine.Ask{})
			if err != nil || res.Step.Do == rotation.Halt {
				t.Errorf("version %d: a daemon that saw the newest: %v, %v", n, res.Step, err)
			}
		})
	}
	t.Logf("%d versions", total)
	if total < 5 {
		t.Errorf("only %d", total)
	}
}

// superseded is the versions that were the head before, by their age.
func superseded(l *life.Life, f *awsfake.Fake) (ids []string) {
	at := map[string]*keyset.Set{}
	for id, value := range f.Values(name) {
		set, err := keyset.Parse([]byte(value))
		must(l.T, err)
		at[id] = set
		if set.Write != document(l).Write {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return len(at[a].History) - len(at[b].History) })
	return ids
}
