package rotation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// An alarm is of the key: that a step is due takes none of it away.
func TestAlarmsAreOfTheKey(t *testing.T) {
	set, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		t.Fatal(err)
	}
	p := usual(rotation.Every(90 * day))
	stranger := []rotation.Output{{Name: "shop", Behind: rotation.Reason{Code: rotation.OutputStranger}}}
	for at, want := range map[time.Duration]rotation.Action{day: rotation.Wait, 91 * day: rotation.Publish} {
		step := rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: t0.Add(at)}, Outputs: stranger})
		if step.Do != want || !has(step, rotation.OutputStranger) {
			t.Errorf("after %s: %s with the alarms %+v", rotation.Duration(at), step.Do, step.Alarms)
		}
	}
}

// A forecast takes no kid that a person may have given to a key.
func TestForecastOfAKeyNamedAsAForecasts(t *testing.T) {
	for n := range 9 {
		kid := fmt.Sprintf("future-%d", n)
		adopted, err := keyset.NewSymmetric(kid, keyset.Opaque, secret.New([]byte("a key that someone has named so, long")), "")
		if err != nil {
			t.Fatal(err)
		}
		set, err := keyset.Create("k", "e", "l", adopted, t0)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := rotation.Forecast(usual(rotation.Every(90*day)), rotation.Facts{Set: set, Clock: rotation.Clock{Wall: t0}}, t0.Add(200*day))
		if err != nil || len(steps) < 5 {
			t.Errorf("%s: %d steps, %v", kid, len(steps), err)
		}
		for _, s := range steps {
			if future := s.Kid != "" && s.Kid != kid; s.Future != future {
				t.Errorf("%s of kid %q: made up %v", s.Do, s.Kid, s.Future)
			}
		}
	}
}

// What stands in a store is gone on from by one rule, and each refusal tells who
// remembers what.
func TestTrust(t *testing.T) {
	one, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err == nil {
			s, _, err = s.Encode("r", "w"+s.Write)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one = sealed(one, nil)
	two := sealed(one.Publish(newKey(1), t0.Add(day)))
	marked := sealed(two.MarkReady(t0.Add(2*day), nil))
	newer := *one
	newer.MinWriter = 99
	remembers := func(s *keyset.Set) rotation.Witness {
		return rotation.Witness{Whose: rotation.AnOutput, Output: "o", Lineage: s.Lineage, Past: s.Past()}
	}
	other := remembers(two)
	other.Lineage = "another"
	trust := rotation.Trust{Name: "k", Environment: "e"}
	restoring := trust
	restoring.Restoring = true
	for _, c := range []struct {
		what  string
		trust rotation.Trust
		set   *keyset.Set
		by    rotation.Witness
		want  rotation.Code
	}{
		{"nobody remembers", trust, one, rotation.Witness{}, ""},
		{"the same", trust, two, remembers(two), ""},
		{"an ancestor", trust, marked, remembers(one), ""},
		{"a note before", trust, marked, remembers(two), ""},
		{"older", trust, one, remembers(two), rotation.OlderDocument},
		{"a note is lost", trust, two, remembers(marked), rotation.OlderNote},
		{"older, and a person says so", restoring, one, remembers(two), ""},
		{"another line", trust, two, other, rotation.OtherLineage},
		{"another line, and a person says so", restoring, two, other, rotation.OtherLineage},
		{"another name", rotation.Trust{Name: "x", Environment: "e"}, one, rotation.Witness{}, rotation.OtherName},
		{"another environment", rotation.Trust{Name: "k", Environment: "x"}, one, rotation.Witness{}, rotation.OtherEnvironment},
		{"a newer writer", trust, &newer, rotation.Witness{}, rotation.NewerWriter},
	} {
		r := c.trust.Document(c.set, rotation.Witness{}, c.by)
		if r.Code != c.want {
			t.Errorf("%s: %+v, want %q", c.what, r, c.want)
		}
		if witnessed := c.want == rotation.OlderDocument || c.want == rotation.OlderNote; witnessed && (r.Output != "o" || r.Want != c.by.Generation || r.Have != c.set.Generation) {
			t.Errorf("%s: who remembers what is lost: %+v", c.what, r)
		}
	}
	if r := trust.Nothing(rotation.Witness{}); !r.IsZero() {
		t.Errorf("nothing, which nobody contradicts: %+v", r)
	}
	if r := trust.Nothing(remembers(two)); r.Code != rotation.KeyLost || r.Want != 2 {
		t.Errorf("nothing, and an output remembers: %+v", r)
	}
	theirs := remembers(two)
	theirs.Of = &rotation.Ref{Key: "other"}
	if r := trust.Nothing(theirs); r.Code != rotation.PlaceShared {
		t.Errorf("nothing, and the output is another key's: %+v", r)
	}
}

// A value that was there before rotate is not a document that was spoilt.
func TestTrustInWhatIsNoKeyset(t *testing.T) {
	trust, known := rotation.Trust{}, rotation.Witness{Lineage: "l"}
	for text, want := range map[string]rotation.Code{
		`hunter2 and more`:             rotation.ForeignValue,
		`{"user":"shop","password":1}`: rotation.ForeignValue,
		"\xff\xfe":                     rotation.ForeignValue,
		`{"schema":"rotate/keyset/v1"`: rotation.ForeignValue,
	} {
		_, err := keyset.Parse([]byte(text))
		if r := trust.Unparsed(err, rotation.Witness{}); r.Code != want || err == nil {
			t.Errorf("%q: %s, %v", text, r.Code, err)
		}
		if r := trust.Unparsed(err, rotation.Witness{}, known); r.Code != rotation.Spoilt {
			t.Errorf("%q where a keyset was: %s", text, r.Code)
		}
	}
	if r := trust.Unparsed(errors.Join(keyset.ErrDigest)); r.Code != rotation.Spoilt {
		t.Errorf("an edited keyset: %s", r.Code)
	}
}

func TestStaleUntil(t *testing.T) {
	for _, c := range []struct {
		seen, bound time.Duration // seen is before now
		never       bool
		want        time.Duration // from now; 0 for no
	}{
		{0, 10 * time.Second, true, 0},
		{0, 0, false, 0},
		{0, 10 * time.Second, false, 10 * time.Second},
		{9 * time.Second, 10 * time.Second, false, time.Second},
		{10 * time.Second, 10 * time.Second, false, 0},
		{-time.Hour, 10 * time.Second, false, 0}, // the clock was set back
	} {
		seen := t0.Add(-c.seen)
		if c.never {
			seen = time.Time{}
		}
		var want time.Time
		if c.want != 0 {
			want = t0.Add(c.want)
		}
		if got := rotation.StaleUntil(t0, seen, c.bound); !got.Equal(want) {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}
