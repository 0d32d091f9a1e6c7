package keyset

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// What a set says of kids that are not live any more.
func TestKnows(t *testing.T) {
	s := someSet(t)
	s.Revoked = []string{"revoked"}
	s.Gone = []Gone{{Kid: "gone", At: epoch}, {Kid: "revoked too", At: epoch}}
	for kid, want := range map[string]bool{"k0": true, "revoked": true, "gone": true, "revoked too": true, "another": false} {
		if s.Knows(kid) != want {
			t.Errorf("%s is known: %v", kid, !want)
		}
	}
	for _, tt := range []struct {
		revoked string
		at      time.Time
		want    bool
	}{
		{"old", epoch, true}, // current was made when old went
		{"old", epoch.Add(-time.Second), false},
		{"another", epoch, false},
	} {
		s.Revoked, s.Gone = []string{tt.revoked}, []Gone{{Kid: "old", At: tt.at}}
		if g, ok := s.Replaced(); ok != tt.want || ok && g.Kid != "old" {
			t.Errorf("%s revoked, old gone at %s: replaced %+v, %v", tt.revoked, tt.at, g, ok)
		}
	}
}

// What was observed of a removed key is noted where it says something new.
func TestObserve(t *testing.T) {
	s := someSet(t)
	until := epoch.Add(time.Hour)
	s.Gone = []Gone{{Kid: "g", At: epoch, Generation: 2, How: "disabled", Until: until}, {Kid: "first", At: epoch}}
	for _, tt := range []struct {
		kid, how string
		until    time.Time
		changes  bool
	}{
		{"g", "disabled", until, false},
		{"g", "disabled", until.Add(time.Millisecond), false},
		{"g", "disabled", until.Add(time.Second), true},
		{"g", "disabled", time.Time{}, true},
		{"g", "destroyed", until, true},
		{"g", "destroyed", time.Time{}, true},
		{"first", "destroyed", time.Time{}, false}, // its removal is not on record
		{"another", "destroyed", time.Time{}, false},
	} {
		n := s.Observe(tt.kid, tt.how, epoch, tt.until)
		if (n != s) != tt.changes {
			t.Errorf("%s %s until %s: changed %v", tt.kid, tt.how, tt.until, n != s)
		}
		if g := n.Gone[0]; tt.changes && (g.How != tt.how || !g.Until.Equal(tt.until.Truncate(time.Second)) || !g.Erased.Equal(epoch)) {
			t.Errorf("%+v", g)
		}
	}
	for _, g := range []Gone{{How: "x"}, {Generation: 1}, {Generation: 1, How: "x"}} {
		if g.Observed() != (g.How != "" && g.Generation > 0) {
			t.Errorf("%+v", g)
		}
	}
}

// Only a previous key can be retired, and a mark that next was seen stays with
// the key that it is about.
func TestTransitionsLeaveOtherKeysAlone(t *testing.T) {
	s := someSet(t)
	must := func(n *Set, err error) *Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s = must(s.Publish(someKey(t, "k1"), epoch))
	s = must(must(s.MarkReady(epoch, nil)).Promote(epoch))
	s = must(must(s.Publish(someKey(t, "k2"), epoch)).MarkReady(epoch, nil))
	for _, kid := range []string{"k1", "k2", "another", ""} {
		if _, err := s.Retire(kid, epoch.Add(time.Hour)); !errors.Is(err, ErrWrongStatus) {
			t.Errorf("retire %q: %v", kid, err)
		}
	}
	if _, err := s.Retire("k0", epoch.Add(time.Hour)); !errors.Is(err, ErrTooEarly) {
		t.Errorf("retire without a date: %v", err)
	}
	if n := must(s.Revoke([]string{"k0"}, nil, epoch)); n.Ready == nil || n.Ready.Kid != "k2" {
		t.Errorf("to revoke a previous key leaves the mark %+v", n.Ready)
	}
	if n := must(s.Revoke([]string{"k2"}, nil, epoch)); n.Ready != nil {
		t.Errorf("to revoke next leaves the mark %+v", n.Ready)
	}
	other := *s
	other.Ready = &Mark{Kid: "k0", At: epoch}
	if n := must(other.Revoke([]string{"k0"}, nil, epoch)); n.Ready != nil {
		t.Errorf("another key's mark stays: %+v", n.Ready)
	}
}

func TestNewestTime(t *testing.T) {
	s := someSet(t)
	later := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	for n, change := range []func(){
		func() {},
		func() { s.Keys[0].NotBefore = later(1) },
		func() { s.Ready = &Mark{Kid: "k1", At: later(2)} },
		func() { s.Settled = &Mark{Kid: "k0", At: later(3)} },
		func() { s.Gone = []Gone{{Kid: "g", At: later(4)}} },
		func() { s.Keys[0].Issued = later(5) },
	} {
		change()
		if got := s.NewestTime(); !got.Equal(later(n)) {
			t.Errorf("change %d: the newest time is %s, want %s", n, got, later(n))
		}
	}
}

// Of unnamed requests those are kept that are pending, and the first about an
// adopted key that is live, as long as there is a place; see Set.record.
func TestUnnamedRequestsThatAreKept(t *testing.T) {
	ids := func(s *Set) string {
		var all []string
		for _, r := range s.Requests {
			all = append(all, r.From)
		}
		return fmt.Sprint(all)
	}
	request := func(from string, named bool) Request {
		r := UnnamedRequest(from, "me")
		if named {
			r = NamedRequest("id of "+from, from, "me")
		}
		r.At = epoch
		return r
	}
	// k2 signs; k1 and k0 verify, and k0 and k1 may be adopted.
	with := func(adopted []string, before ...Request) *Set {
		s := someSet(t)
		for i, kid := range []string{"k2", "k1", "k0"} {
			k := someKey(t, kid)
			k.Issued, k.NotBefore = epoch.Add(-time.Duration(i)*time.Hour), epoch.Add(-time.Duration(i)*time.Hour)
			k.Status = Previous
			for _, a := range adopted {
				k.Adopted = k.Adopted || a == kid
			}
			if i == 0 {
				k.Status = Current
				s.Keys = nil
			}
			s.Keys = append(s.Keys, k)
		}
		s.Requests = before
		return s
	}
	unnamed := func(from string) Request { return request(from, false) }
	named := func(from string) Request { return request(from, true) }
	many := func(n int) (all []Request) {
		for i := range n {
			all = append(all, named(fmt.Sprint("n", i)))
		}
		return all
	}
	for _, tt := range []struct {
		name string
		set  *Set
		add  Request
		want string
	}{
		{"of a key that only verifies", with(nil, unnamed("k1")), unnamed("k0"), "[k0]"},
		{"pending", with(nil, unnamed("k2")), unnamed("k0"), "[k2 k0]"},
		{"of an adopted key", with([]string{"k1"}, unnamed("k1")), unnamed("k2"), "[k1 k2]"},
		{"of two adopted keys", with([]string{"k0", "k1"}, unnamed("k0"), unnamed("k1")), unnamed("k2"), "[k0 k2]"},
		{"of an adopted key, the second", with([]string{"k1"}, unnamed("k0"), unnamed("k1")), unnamed("k2"), "[k1 k2]"},
		{"of a key that is gone", with([]string{"k1"}, unnamed("k9")), unnamed("k2"), "[k2]"},
		{"a named one", with(nil, named("k1")), unnamed("k2"), "[k1 k2]"},
		{"for a named one", with(nil, unnamed("k1")), named("k2"), "[k1 k2]"},
	} {
		at := epoch.Add(time.Hour)
		if n, err := tt.set.With(tt.add, at); err != nil || ids(n) != tt.want {
			t.Errorf("%s: %s, want %s (%v)", tt.name, ids(n), tt.want, err)
		}
	}
	whole := with([]string{"k1"}, append(many(maxRequests-1), unnamed("k1"))...)
	if n, err := whole.With(unnamed("k2"), epoch.Add(time.Hour)); err != nil || len(n.Requests) != maxRequests || n.Requests[maxRequests-1].From != "k2" {
		t.Errorf("where no place is left: %v", err)
	}
	// Beyond RequestsKept nothing is kept but what is pending.
	old := with([]string{"k1"}, unnamed("k1"), unnamed("k2"), named("k0"))
	for after, want := range map[time.Duration]string{RequestsKept: "[k1 k2 k0]", RequestsKept + time.Second: "[k2]"} {
		if n, err := old.Touch(epoch.Add(after)); err != nil || ids(n) != want {
			t.Errorf("%s later %s, want %s (%v)", after, ids(n), want, err)
		}
	}
}
