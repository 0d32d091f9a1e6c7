package keyset_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func madeKey(t *testing.T, kid string) keyset.Key {
	t.Helper()
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(kid, 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A removed key's record has the generations in which it lived and nothing that
// nobody saw; what is seen later is taken along by the next write, once, and
// survives it.
func TestGoneIsWhatWasSeen(t *testing.T) {
	ok := must(t)
	s := ok(keyset.Create("k", "test", "l", madeKey(t, "a"), t0))
	s = ok(ok(s.Publish(madeKey(t, "b"), t0)).MarkReady(t0, nil))
	s = ok(s.Promote(t0))
	fresh := madeKey(t, "c")
	s = reread(t, ok(s.Revoke([]string{"b"}, &fresh, t0.Add(time.Hour))))
	want := keyset.Gone{Kid: "b", At: t0.Add(time.Hour), Made: 2, Generation: 4}
	if g := s.Gone[0]; g.Kid != want.Kid || !g.At.Equal(want.At) || g.Made != want.Made || g.Generation != want.Generation || g.How != "" || g.Observed() {
		t.Errorf("%+v, want %+v", g, want)
	}
	for kid, made := range map[string]uint64{"a": 1, "c": 4} {
		if k, _ := s.Key(kid); k.Made != made {
			t.Errorf("%s was made in generation %d, want %d", kid, k.Made, made)
		}
	}
	seen, until := t0.Add(2*time.Hour), t0.Add(9*time.Hour)
	if s.Observe("nobody", "destroyed", seen, time.Time{}) != s {
		t.Error("a kid that is not on record was noted")
	}
	noted := reread(t, s.Observe("b", "disabled", seen, until.Add(time.Millisecond)))
	if g := noted.Gone[0]; !g.Observed() || g.How != "disabled" || !g.Erased.Equal(seen) || !g.Until.Equal(until) || noted.Generation != s.Generation {
		t.Errorf("%+v", g)
	}
	if s.Gone[0].How != "" {
		t.Error("Observe changed the set that it was given")
	}
	if noted.Observe("b", "disabled", seen.Add(time.Hour), until) != noted {
		t.Error("the same was noted twice")
	}
	if g := reread(t, noted.Observe("b", "destroyed", until, time.Time{})).Gone[0]; g.How != "destroyed" || !g.Until.IsZero() {
		t.Errorf("%+v", g)
	}
}

// A document of the first version is read, and written again, as it is: its notes
// of how strongly the kind of store erases are kept and never taken for seen.
func TestGoneOfTheFirstVersion(t *testing.T) {
	ok := must(t)
	s := ok(keyset.Create("k", "test", "l", madeKey(t, "a"), t0))
	fresh := madeKey(t, "b")
	s = ok(s.Revoke([]string{"a"}, &fresh, t0))
	first := *s
	first.Keys = append([]keyset.Key{}, s.Keys...)
	first.Keys[0].Made = 0
	first.Gone = []keyset.Gone{{Kid: "a", At: t0, How: "unlinked"}}
	sealed, doc, err := first.Encode("", "w")
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{`"made"`, `"erased"`, `"until"`} {
		if strings.Contains(string(doc.Reveal()), member) {
			t.Errorf("the document has %s", member)
		}
	}
	if !strings.Contains(string(doc.Reveal()), `"gone":[{"at":1767225600,"how":"unlinked","kid":"a"}]`) {
		t.Errorf("%s", doc.Reveal())
	}
	read := reread(t, sealed)
	if g := read.Gone[0]; g.Observed() || g.How != "unlinked" || read.Observe("a", "destroyed", t0, time.Time{}) != read {
		t.Errorf("%+v", g)
	}
}
