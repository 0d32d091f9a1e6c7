package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A shelf is a memory store whose listing a test changes, and which counts its reads.
type shelf struct {
	*memory.Store
	list func([]providers.Listed) ([]providers.Listed, error)
	mu   sync.Mutex
	read []string
}

func (s *shelf) List(ctx context.Context) ([]providers.Listed, error) {
	all, err := s.Store.List(ctx)
	if err == nil && s.list != nil {
		return s.list(all)
	}
	return all, err
}

func (s *shelf) Read(ctx context.Context, name string) (providers.Revision, error) {
	s.mu.Lock()
	s.read = append(s.read, name)
	s.mu.Unlock()
	return s.Store.Read(ctx, name)
}

// What stands under a name is told by the note beside it and by what a read shows. What
// the listing shows to be somebody else's is not read.
func TestListTellsWhatStandsThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.target.Outputs = []engine.Output{keysetOutput("whole", r.store), {
			Name: "value", Store: r.store, Secret: "out-value", OneKey: true,
			Render: func(s *keyset.Set) (providers.Secret, error) { return s.Signing().Text(), nil },
		}}
		r.pass(engine.Ask{})
		r.store.Tamper("strangers", []byte("not ours"))
		doc, err := r.store.Read(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		cut := append([]byte(nil), doc.Value.Reveal()...)
		cut[len(cut)/2]++
		if _, err := r.store.Write(t.Context(), "spoilt", providers.NewSecret(cut), "", doc.Note); err != nil {
			t.Fatal(err)
		}
		r.store.Tamper("lost", []byte("x"))
		r.store.Lose("lost")
		s := &shelf{Store: r.store}
		told := func() string {
			t.Helper()
			found, err := engine.List(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range found {
				line := fmt.Sprint(f.Name, " ", f.Kind)
				if f.Set != nil {
					line += " of " + f.Set.Name
				}
				if f.Err != nil {
					line += " !"
				}
				all = append(all, line)
			}
			return strings.Join(all, ", ")
		}
		want := "lost other, out-value output, out-whole output of auth-jwt, spoilt keyset !, strangers other, test-auth-jwt keyset of auth-jwt"
		if got := told(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for _, read := range s.read {
			if read == "strangers" {
				t.Error("a stranger's value was read")
			}
		}
		// Where the listing cannot tell, a read does.
		s.list = func(all []providers.Listed) ([]providers.Listed, error) {
			for i := range all {
				all[i] = providers.Listed{Name: all[i].Name, Untold: true}
			}
			return append(all, providers.Listed{Name: "gone-since", Untold: true}, providers.Listed{Name: "known", Output: true}), nil
		}
		if got, want := told(), strings.Replace(want, "lost other", "lost unknown !", 1)+", known output"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// A store that cannot be listed is an error, and never an empty one.
func TestListSaysThatItCannot(t *testing.T) {
	if _, err := engine.List(t.Context(), struct{ providers.Store }{memory.New()}); err == nil {
		t.Error("a store without a listing is listed")
	}
	denied := &shelf{Store: memory.New(), list: func([]providers.Listed) ([]providers.Listed, error) {
		return nil, &providers.Error{Op: "list", Kind: providers.ErrDenied}
	}}
	if _, err := engine.List(t.Context(), denied); !errors.Is(err, providers.ErrDenied) {
		t.Error(err)
	}
}
