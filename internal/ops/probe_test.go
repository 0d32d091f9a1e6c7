package ops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
)

func TestProbe(t *testing.T) {
	m := memory.New()
	if err := probe(t.Context(), m, "ID"); err != nil {
		t.Error(err)
	}
	if revs, err := m.History(t.Context(), "rotate-probe-id"); len(revs) > 0 || err != nil {
		t.Error("the probe left something behind", err)
	}
	if err := probe(t.Context(), takesAll{m}, "ID"); err == nil || !strings.Contains(err.Error(), "overwrite each other") {
		t.Error(err)
	}
	denied := &providers.Error{Op: "write", Kind: providers.ErrDenied}
	if err := probe(t.Context(), deniesWrites{m, denied}, "ID2"); !errors.Is(err, providers.ErrDenied) {
		t.Error(err)
	}
}

// Of each secret what is too much and what is lacking is told, with the key that it
// is about; a store that cannot tell is not asked.
func TestSurvey(t *testing.T) {
	opened := map[string]providers.Store{"plain": memory.New(), "asks": providers.Checked(surveyed{memory.New()})}
	var said []string
	tell := func(p Probed) bool {
		said = append(said, fmt.Sprint(p.Who, " ", p.Excess, " ", p.Err))
		return true
	}
	for name, store := range map[string]string{"one": "asks"} {
		survey(t.Context(), keyAt(name, store), opened, tell)
	}
	for _, at := range [][2]string{{"three", "plain"}, {"two", "asks"}, {"four", "closed"}, {"a\nb", "asks"}} {
		survey(t.Context(), keyAt(at[0], at[1]), opened, tell)
	}
	want := []string{
		"key one, store asks [delete share] <nil>",
		"key two, store asks [] key two, store asks: probe two: permission denied: missing read",
		"key a\nb, store asks [] key a\nb, store asks: probe a\nb: the store does not take this name",
	}
	if !slices.Equal(said, want) {
		t.Errorf("%q\nwant\n%q", said, want)
	}
}

// Each way to make readers read is tried, by the order of the outputs' names, and the
// key and the output are told with what it lacks.
func TestAftersAreTried(t *testing.T) {
	k := keyAt("auth-jwt", "plain")
	k.Afters = map[string]*after.Way{"two": after.Exec([]string{"/no/such/program"}), "one": after.Exec([]string{os.Args[0]})}
	var said []string
	tell := func(p Probed) bool {
		said = append(said, fmt.Sprint(p.Output, ", ", p.After, ": ", p.Err))
		return true
	}
	tryAfters(t.Context(), k, tell)
	want := []string{
		"one, exec " + os.Args[0] + ": <nil>",
		"two, exec /no/such/program: key auth-jwt, output two, after: exec /no/such/program: the program cannot be run: no such file or directory",
	}
	if !slices.Equal(said, want) {
		t.Errorf("%q\nwant\n%q", said, want)
	}
	if tryAfters(t.Context(), k, func(Probed) bool { said = append(said, "again"); return false }); len(said) != 3 {
		t.Error("it goes on although nobody listens")
	}
}

func keyAt(name, store string) *fleet.Key {
	return &fleet.Key{Target: engine.Target{Name: name, StoreName: store, Secret: name}}
}

type surveyed struct{ providers.Store }

func (surveyed) ProbeSecret(_ context.Context, name string) ([]string, error) {
	if name == "one" {
		return []string{"delete", "share"}, nil
	}
	return nil, &providers.Error{Op: "probe", Name: name, Kind: providers.ErrDenied, Err: errors.New("missing read")}
}

type takesAll struct{ providers.Store }

func (s takesAll) Write(ctx context.Context, name string, v providers.Secret, _ providers.RevisionID, n providers.Note) (providers.Revision, error) {
	return s.Store.Write(ctx, name, v, "", n)
}

type deniesWrites struct {
	providers.Store
	err error
}

func (s deniesWrites) Write(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	return providers.Revision{}, s.err
}
