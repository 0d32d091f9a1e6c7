package rotation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Of two places that are equally weak the later date counts, and never is later
// than any.
func TestTracesMeet(t *testing.T) {
	set := *rotated(t)
	gone := keyset.Gone{Kid: "old", At: t0, Made: 1, Generation: 2}
	set.Gone = []keyset.Gone{gone}
	now := t0.Add(day)
	place := func(name string, until time.Time) rotation.Place {
		return rotation.Place{Name: name, Content: rotation.Documents, Erases: "destroyed", Erased: []rotation.Erasure{
			{Revision: rotation.Revision{Lineage: "l", Generation: 1}, How: "disabled", Until: until},
		}}
	}
	var never time.Time
	soon, late := now.Add(day), now.Add(2*day)
	for _, tt := range []struct{ a, b, want time.Time }{{soon, late, late}, {late, soon, late}, {soon, soon, soon}, {never, soon, never}, {soon, never, never}, {never, never, never}} {
		all := rotation.Traces(now, &set, []rotation.Place{place("", tt.a), place("o", tt.b)})
		if len(all) != 1 || all[0].Kid != "old" || all[0].How != "disabled" || !all[0].Until.Equal(tt.want) || len(all[0].Places) != 2 {
			t.Errorf("%s and %s: %+v, want until %s", tt.a, tt.b, all, tt.want)
		}
	}
	for _, tt := range []struct {
		how      string
		observed bool
		want     bool
	}{
		{rotation.NotYet, false, true}, {rotation.CannotTell, false, true}, {"disabled", true, true}, {"unlabelled", true, true},
		{"disabled", false, false}, {"destroyed", true, false}, {"replaced", true, false},
	} {
		if got := (rotation.Trace{How: tt.how, Observed: tt.observed}).Telling(); got != tt.want {
			t.Errorf("%s, observed %v: telling %v", tt.how, tt.observed, got)
		}
	}
	for revoked, whose := range map[bool]string{true: "revoked", false: ""} {
		r := rotation.Trace{Kid: "old", How: "disabled", Until: soon, Revoked: revoked}.Reason([]string{"a", "b"})
		if want := (rotation.Reason{Code: rotation.NotGone, Kid: "old", Is: "disabled", At: soon, Output: "a, b", Whose: whose}); r != want {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
}

// Kids are named only for revisions of this keyset that tell what they hold.
func TestHeldByContent(t *testing.T) {
	set := rotated(t) // k0 is of generation 1, k1 of 2
	for _, tt := range []struct {
		content rotation.Content
		r       rotation.Revision
		want    string
	}{
		{rotation.Documents, rotation.Revision{Lineage: "l", Generation: 1}, "[k0]"},
		{rotation.Documents, rotation.Revision{Lineage: "l", Generation: 2}, "[k1 k0]"},
		{rotation.Documents, rotation.Revision{Generation: 1}, "[k0]"},
		{rotation.Documents, rotation.Revision{Lineage: "l"}, "[]"},
		{rotation.Renderings, rotation.Revision{Lineage: "l", Generation: 1}, "[k0]"},
		{rotation.Renderings, rotation.Revision{Lineage: "another", Generation: 1}, "[]"},
		{rotation.Renderings, rotation.Revision{Lineage: "l"}, "[]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Holds: rotation.KidNote("k1")}, "[k1]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Generation: 2, Holds: rotation.KidNote("k0")}, "[k0]"},
		{rotation.OneKey, rotation.Revision{Lineage: "another", Holds: rotation.KidNote("k0")}, "[]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Generation: 2}, "[]"},
	} {
		if got := fmt.Sprint(rotation.Held(set, tt.content, tt.r)); got != tt.want {
			t.Errorf("%s of %+v: %s, want %s", tt.content, tt.r, got, tt.want)
		}
	}
	twice := *set // a kid that was removed, and is live again, is named once
	twice.Gone = []keyset.Gone{{Kid: "k0", At: t0, Made: 1, Generation: 9}}
	if got := fmt.Sprint(rotation.Held(&twice, rotation.Documents, rotation.Revision{Generation: 2})); got != "[k1 k0]" {
		t.Errorf("%s", got)
	}
}
