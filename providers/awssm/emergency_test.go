package awssm

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
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

// halfway is a life with a previous key and a next one.
func halfway(t *testing.T) *life {
	l := newLife(t)
	for _, ask := range []engine.Ask{{}, {Rotate: true}, {}, {Rotate: true}} {
		_, err := l.engine.Pass(t.Context(), l.target, ask)
		must(t, err)
		time.Sleep(l.target.Policy.Propagation + rotation.Skew)
	}
	return l
}

// Promise 4, as far as AWS goes: whichever key has leaked, one pass leaves no
// label on a version that holds it, and the audit log names exactly those that
// can still be read by their id.
func TestPromise4ACompromiseIsUnlabelledAndNamed(t *testing.T) {
	for victim := range 3 {
		synctest.Test(t, func(t *testing.T) {
			l := halfway(t)
			leaked := l.document().Keys[victim]
			_, err := l.engine.Pass(t.Context(), l.target, engine.Ask{Revoke: []string{leaked.Kid}})
			must(t, err)
			found, err := l.engine.Remains(t.Context(), l.target)
			left := found.Left
			if err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
			var named, holding []string
			for _, ev := range l.events {
				if ev.Action == "erase" && ev.How == string(providers.Unlabelled) {
					named = append(named, ev.Revision)
				}
			}
			stages := l.fake.Stages(name)
			for id, value := range l.fake.Values(name) {
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
			l := halfway(t)
			newest := l.document()
			ids := l.older()
			total = len(ids)
			outside{l.target.Store.(*store).api}.restore(t, name, providers.RevisionID(ids[n]))
			daemon, writes := l.engine, len(l.fake.Values(name))
			l.engine = l.process()
			old := l.document()
			for range 3 {
				res, err := l.engine.Pass(t.Context(), l.target, engine.Ask{Rotate: true})
				if err != nil || res.Step.Do != rotation.Halt || res.Step.Why.Whose != rotation.TheStore {
					t.Fatalf("version %d: %v, %v", n, res.Step, err)
				}
				time.Sleep(time.Hour)
			}
			if len(l.fake.Values(name)) != writes {
				t.Errorf("version %d: something was written", n)
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
	}
	t.Logf("%d versions", total)
	if total < 5 {
		t.Errorf("only %d", total)
	}
}

// older is the versions that were the head before, by their age.
func (l *life) older() (ids []string) {
	at := map[string]*keyset.Set{}
	for id, value := range l.fake.Values(name) {
		set, err := keyset.Parse([]byte(value))
		must(l.t, err)
		at[id] = set
		if set.Write != l.document().Write {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return len(at[a].History) - len(at[b].History) })
	return ids
}
