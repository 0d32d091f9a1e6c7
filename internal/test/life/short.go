package life

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Short makes a key in a store, rotates it, and has the old one erased, within seconds of
// a real clock: for servers that are real. It ends with the first error.
func (l *Life) Short(s providers.Store, store, secret string) error {
	e := &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "test", Audit: func(engine.Event) {}}
	target := engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: store, Store: s, Secret: secret, Generate: l.Generate,
		Policy: rotation.Policy{Schedule: rotation.Every(4 * time.Second), Grace: 2 * time.Second},
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		res, err := e.Pass(context.Background(), target, engine.Ask{})
		switch {
		case err != nil:
			return err
		case res.Left.Failed: // the pass goes on without; the call itself tells why
			return eraseOldest(s, secret)
		case res.Set != nil && res.Set.Generation >= 4 && res.Left.Revisions == 0:
			return nil
		}
	}
	return errors.New("the key came to no end")
}

func eraseOldest(s providers.Store, secret string) error {
	revs, err := s.History(context.Background(), secret)
	if err != nil {
		return err
	}
	_, err = s.Erase(context.Background(), secret, revs[0].ID, revs[len(revs)-1].ID)
	return err
}

// WithoutEach holds that try succeeds with all rights, and that without any one action of
// them it fails with an error that has the words of that action. try gets what takes the
// action out; nil for none.
func WithoutEach(t *testing.T, rights []providers.Right, words func(action string) string, try func(without func([]providers.Right) []providers.Right) error) {
	t.Helper()
	if err := try(nil); err != nil {
		t.Errorf("with all that is printed: %s", say.Error(err))
	}
	for i, r := range rights {
		for _, taken := range r.Actions {
			err := try(func(list []providers.Right) []providers.Right {
				list[i].Actions = slices.DeleteFunc(slices.Clone(list[i].Actions), func(a string) bool { return a == taken })
				if len(list[i].Actions) == 0 {
					return slices.Delete(list, i, i+1)
				}
				return list
			})
			if err == nil || !strings.Contains(say.Error(err).String(), words(taken)) {
				t.Errorf("without %s (%s) the error is: %v", r.Name, taken, err)
				continue
			}
			t.Logf("without %s (%s): %.200s", r.Name, taken, say.Error(err))
		}
	}
}
