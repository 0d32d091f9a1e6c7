package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// An erasure stands under the kids that its event names. Of these the trail takes
// out a key that it saw made later, as the document does not tell that of keys
// of the first version. A line of the first version names none: it is evidence
// for what lived in its generation if it is of the key's own secret, and for no
// kid if it is of an output.
func TestErasuresStandUnderTheirKids(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	events := []engine.Event{
		{Action: "create", Kid: "a", To: keyset.Current, Generation: 1},
		{Action: "publish", Kid: "b", To: keyset.Next, Generation: 2},
		{Action: "promote", Kid: "b", From: keyset.Next, To: keyset.Current, Generation: 3},
		{Action: "promote", Kid: "a", From: keyset.Current, To: keyset.Previous, Generation: 3},
		{Action: "retire", Kid: "a", From: keyset.Previous, Generation: 4},
		{Action: "erase", Secret: "s", Revision: "old-1", Generation: 2},
		{Action: "erase", Secret: "app", Revision: "old-2", Generation: 2},
		{Action: "erase", Secret: "app", Revision: "new-1", Generation: 3, How: "destroyed", Kids: []string{"b"}},
		{Action: "erase", Secret: "s", Revision: "new-2", Generation: 1, How: "destroyed", Kids: []string{"a", "b"}},
		{Action: "erase", Secret: "s", Revision: "new-3", Generation: 1, How: "destroyed"},
	}
	for i := range events {
		events[i].Time = at.Add(time.Duration(i) * time.Second)
	}
	r := audit.New(audit.Facts{Now: at, Key: audit.Report{Key: "k", Secret: "s"}, Path: "f", Events: events})
	got := map[string][]string{}
	note := func(under string, list []audit.Entry) {
		for _, e := range list {
			if _, id, erased := strings.Cut(e.What, "erase revision "); erased {
				got[id] = append(got[id], under)
			}
		}
	}
	for _, k := range r.Kids {
		note(k.Kid, k.Life)
	}
	note("none", r.Others)
	for id, want := range map[string][]string{"old-1": {"a"}, "old-2": {"none"}, "new-1": {"b"}, "new-2": {"a"}, "new-3": {"none"}} {
		if slices.Sort(got[id]); !slices.Equal(got[id], want) {
			t.Errorf("%s stands under %v, want %v", id, got[id], want)
		}
	}
}

// What the document knows of a time is not said to be at no known time.
func TestARevokedKidHasItsTime(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	set := &keyset.Set{Gone: []keyset.Gone{{Kid: "a", At: at}}, Revoked: []string{"a", "long-ago"}}
	for _, k := range audit.New(audit.Facts{Now: at, Set: set}).Kids {
		for _, e := range k.Life {
			if known := k.Kid == "a"; known != (e.At != nil) {
				t.Errorf("kid %s: %+v", k.Kid, e)
			}
		}
	}
}

// Lines of the first version have no code, and those of today carry it on.
func TestCodesOfLines(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	events := []engine.Event{
		{Time: at, Action: "publish", Kid: "a", To: keyset.Next, Generation: 2, Reason: "due at 2026-01-01T00:00:00Z"},
		{Time: at, Action: "promote", Kid: "a", To: keyset.Current, Generation: 3, Code: "due", Reason: "due at 2026-01-01T00:00:00Z"},
	}
	var got []string
	for _, e := range audit.New(audit.Facts{Now: at, Path: "f", Events: events}).Kids[0].Life {
		got = append(got, string(e.Code)+"|"+e.Why)
	}
	if want := []string{"|due at 2026-01-01T00:00:00Z", "due|due at 2026-01-01T00:00:00Z"}; !slices.Equal(got, want) {
		t.Error(got)
	}
}
