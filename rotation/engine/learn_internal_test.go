package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// What an output shows of the time after a restored document: the newest one
// counts, and every kid that any of them knows as revoked.
func TestRestoredLearns(t *testing.T) {
	epoch := time.Unix(1_800_000_000, 0)
	key := func(kid string) keyset.Key {
		k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat("k", 40))), "")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sealed := func(s *keyset.Set, err error) (*keyset.Set, held) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		text := secret.Text{}
		if s, text, err = s.Encode("r", "w"); err != nil {
			t.Fatal(err)
		}
		return s, held{name: "of " + s.Signing().Kid, rev: providers.Revision{Value: text}}
	}
	first, _ := sealed(keyset.Create("k", "e", "l", key("a"), epoch))
	restoredSet, same := sealed(first.Publish(key("b"), epoch))
	_, older := sealed(first, nil)
	_, fork := sealed(first.Publish(key("c"), epoch)) // of the same generation, with another next key
	ready, err := restoredSet.MarkReady(epoch, nil)
	if err != nil {
		t.Fatal(err)
	}
	newerSet, newer := sealed(ready.Promote(epoch))
	fresh := key("d")
	_, newest := sealed(newerSet.Revoke([]string{"b", "x"}, &fresh, epoch))
	_, also := sealed(newerSet.Revoke([]string{"a"}, nil, epoch))
	_, foreign := sealed(keyset.Create("k", "e", "another", key("a"), epoch))
	foreign.name = "foreign"
	status := *restoredSet // the same kids of the same generation, in other places
	statusOf := held{name: "status", rev: newer.rev}

	for _, tt := range []struct {
		name    string
		set     *keyset.Set
		shown   []held
		in      string
		revoked string
	}{
		{"nothing", restoredSet, nil, "", ""},
		{"the same", restoredSet, []held{same}, "", ""},
		{"older", restoredSet, []held{older}, "", ""},
		{"no keyset", restoredSet, []held{{name: "x", rev: providers.Revision{Value: secret.New([]byte("x"))}}}, "", ""},
		{"another lineage", first, []held{foreign}, "", ""},
		{"a fork", restoredSet, []held{fork}, "of a", ""},
		{"newer", restoredSet, []held{newer}, "of b", ""},
		{"the newest counts", restoredSet, []held{newer, newest}, "of d", "b x"},
		{"in any order", restoredSet, []held{newest, newer}, "of d", "b x"},
		{"the first of two", restoredSet, []held{newest, also}, "of d", "b x a"},
		{"each kid once", restoredSet, []held{newest, newest}, "of d", "b x"},
		{"newer than what was there", &status, []held{statusOf}, "status", ""},
	} {
		r := Restored{Set: tt.set}
		for _, h := range tt.shown {
			r.learn(h)
		}
		if r.In != tt.in || (r.Newer != nil) != (tt.in != "") || strings.Join(r.Revoked, " ") != tt.revoked {
			t.Errorf("%s: in %q, revoked %q; want %q, %q", tt.name, r.In, r.Revoked, tt.in, tt.revoked)
		}
	}

	a := &keyset.Set{Keys: []keyset.Key{{Kid: "a", Status: keyset.Current}, {Kid: "b", Status: keyset.Next}}}
	for name, tt := range map[string]struct {
		keys []keyset.Key
		want bool
	}{
		"the same":       {[]keyset.Key{{Kid: "a", Status: keyset.Current}, {Kid: "b", Status: keyset.Next}}, true},
		"another kid":    {[]keyset.Key{{Kid: "a", Status: keyset.Current}, {Kid: "c", Status: keyset.Next}}, false},
		"another status": {[]keyset.Key{{Kid: "a", Status: keyset.Current}, {Kid: "b", Status: keyset.Previous}}, false},
		"one less":       {[]keyset.Key{{Kid: "a", Status: keyset.Current}}, false},
		"another order":  {[]keyset.Key{{Kid: "b", Status: keyset.Current}, {Kid: "a", Status: keyset.Next}}, false},
	} {
		if got := sameKeys(a, &keyset.Set{Keys: tt.keys}); got != tt.want {
			t.Errorf("%s: the same keys: %v", name, got)
		}
	}
}
