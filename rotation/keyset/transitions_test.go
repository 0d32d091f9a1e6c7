package keyset_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// TestPromise1AnyHistory drives sets through random transitions, those that are
// refused included, and holds every reachable set against the promises that
// stand in the document.
func TestPromise1AnyHistory(t *testing.T) {
	if os.Getenv("ROTATE_GUARDS") != "" {
		// It is meant to fail then, and need not be replayed.
		if err := flag.Set("rapid.nofailfile", "true"); err != nil {
			t.Fatal(err)
		}
	}
	keys := []keyset.Key{}
	for i := range 40 {
		keys = append(keys, symmetric(t, fmt.Sprintf("s%d", i)))
	}
	for _, alg := range []keyset.Algorithm{keyset.ES256, keyset.Ed25519} {
		keys = append(keys, asymmetric(t, alg))
	}
	rapid.Check(t, func(r *rapid.T) {
		at := t0
		fresh := slices.Clone(keys)
		pick := func() keyset.Key {
			i := rapid.IntRange(0, len(fresh)-1).Draw(r, "key")
			k := fresh[i]
			fresh = slices.Delete(fresh, i, i+1)
			return k
		}
		begin := []keyset.Key{pick()}
		for range rapid.IntRange(0, 3).Draw(r, "adopted with it") {
			begin = append(begin, pick())
		}
		until := at.Add(time.Duration(rapid.Int64Range(1, int64(keyset.MaxUntil)).Draw(r, "until")))
		s, err := keyset.Adopt("n", "e", "l", begin, at, rapid.SampledFrom([]time.Time{{}, until}).Draw(r, "for"))
		if err != nil {
			r.Fatal(err)
		}
		for range rapid.IntRange(0, 25).Draw(r, "steps") {
			// Writers' clocks may go back a little; dates stay in order.
			at = at.Add(time.Duration(rapid.Int64Range(-int64(5*time.Minute), int64(72*time.Hour)).Draw(r, "elapsed")))
			before, err := keyset.Parse(encode(r, s))
			if err != nil {
				r.Fatalf("a set that was written is refused: %v", err)
			}
			after, err := step(r, before, pick, at)
			if err == nil {
				_, _, err = after.Encode("p", "w")
			}
			if err != nil {
				if !errors.Is(err, keyset.ErrTooLarge) && !errors.Is(err, keyset.ErrWrongStatus) && !errors.Is(err, keyset.ErrTooEarly) &&
					!errors.Is(err, keyset.ErrTooManyKeys) && !errors.Is(err, keyset.ErrTooManyAsked) {
					r.Fatalf("refused for a reason that no transition has: %v", err)
				}
				continue
			}
			holds(r, before, after)
			s = after
		}
	})
}

func step(r *rapid.T, s *keyset.Set, pick func() keyset.Key, at time.Time) (*keyset.Set, error) {
	anyKid := s.Keys[rapid.IntRange(0, len(s.Keys)-1).Draw(r, "which")].Kid
	switch rapid.SampledFrom([]string{"publish", "publish", "ready", "ready", "promote", "promote", "settled", "retire", "revoke", "record"}).Draw(r, "do") {
	case "publish":
		return s.Publish(pick(), at)
	case "ready":
		return s.MarkReady(at, nil)
	case "promote":
		return s.Promote(at)
	case "settled":
		return s.MarkSettled(at, nil, 48*time.Hour)
	case "retire":
		return s.Retire(anyKid, at)
	case "revoke":
		k := pick()
		return s.Revoke([]string{anyKid}, &k, at)
	}
	return s.Record(keyset.NamedRequest(at.String(), s.Signing().Kid, "rapid"), at)
}

// holds compares a set with its predecessor.
func holds(r *rapid.T, before, after *keyset.Set) {
	if after.Lineage != before.Lineage || after.Generation < before.Generation || after.Generation > before.Generation+1 {
		r.Fatalf("lineage or generation changed wrongly: %d after %d", after.Generation, before.Generation)
	}
	if !after.Follows(before.Past()) {
		r.Fatal("it does not know its predecessor")
	}
	if before.Follows(keyset.Past{Generation: after.Generation, Digest: "sha-256:other"}) {
		r.Fatal("a predecessor follows its successor")
	}
	current := 0
	for _, k := range after.Keys {
		if k.Status == keyset.Current {
			current++
		}
		if k.Status == keyset.Previous && !k.Alg.Symmetric() && k.SignKey() != nil {
			r.Fatalf("promise 9: kid %s only verifies, but can sign", k.Kid)
		}
		if slices.Contains(after.Revoked, k.Kid) {
			r.Fatalf("kid %s is live and revoked", k.Kid)
		}
		if old, ok := before.Key(k.Kid); ok && !old.Expires.IsZero() && k.Expires.Before(old.Expires) {
			r.Fatalf("promise 3: the date of kid %s was shortened", k.Kid)
		}
	}
	if current != 1 {
		r.Fatalf("promise 1: %d keys are current", current)
	}
	for _, k := range before.Keys {
		if _, live := after.Key(k.Kid); !live && after.Dropped != after.Generation {
			r.Fatalf("promise 4: kid %s went, but earlier revisions are not marked as holding it", k.Kid)
		}
	}
	if after.Generation == before.Generation {
		a, errA := after.Projection()
		b, errB := before.Projection()
		if errA != nil || errB != nil || !a.Equal(b) {
			r.Fatal("a mark changed what outputs show")
		}
	}
}

func TestPromise3RetireWaitsForTheDate(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	s = m(s.Publish(symmetric(t, "b"), t0))
	if _, err := s.Promote(t0); !errors.Is(err, keyset.ErrWrongStatus) {
		t.Errorf("promoted without having been seen: %v", err)
	}
	s = m(s.MarkReady(t0, nil))
	s = m(s.Promote(t0))
	if _, err := s.Retire("a", t0.Add(1e6*time.Hour)); !errors.Is(err, keyset.ErrTooEarly) {
		t.Errorf("retired without a date: %v", err)
	}
	s = m(s.MarkSettled(t0.Add(time.Hour), nil, 24*time.Hour))
	if _, err := s.Retire("a", t0.Add(25*time.Hour-time.Nanosecond)); !errors.Is(err, keyset.ErrTooEarly) {
		t.Errorf("retired before its date: %v", err)
	}
	if again := m(s.MarkSettled(t0.Add(2*time.Hour), nil, time.Second)); !again.Keys[1].Expires.Equal(s.Keys[1].Expires) {
		t.Error("a later, shorter grace moved the date")
	}
	s = m(s.Retire("a", t0.Add(25*time.Hour)))
	if len(s.Keys) != 1 || len(s.Gone) != 1 || s.Gone[0].Kid != "a" || s.Dropped != s.Generation {
		t.Errorf("retired: %+v", s)
	}
	if bytes.Contains(encode(t, s), []byte("test-key-a")) {
		t.Error("promise 4: the document still holds the key")
	}
}

func TestRevokedIsNeverAcceptedAgain(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	if _, err := s.Revoke([]string{"a"}, nil, t0); !errors.Is(err, keyset.ErrWrongStatus) {
		t.Errorf("left without a current key: %v", err)
	}
	b := symmetric(t, "b")
	s = m(s.Revoke([]string{"a"}, &b, t0))
	if s.Signing().Kid != "b" || len(s.Keys) != 1 {
		t.Errorf("after revocation: %v", s.Keys)
	}
	if _, err := s.Publish(symmetric(t, "a"), t0); !errors.Is(err, keyset.ErrRevoked) {
		t.Errorf("a revoked kid came back: %v", err)
	}
}

func TestRequests(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	x := keyset.NamedRequest("x", "a", "someone")
	s = m(s.Record(x, t0))
	if r, ok := s.Pending(); !ok || r.ID != x.ID {
		t.Errorf("pending: %v %v", r, ok)
	}
	if bytes.Contains(encode(t, s), []byte(`"x"`)) {
		t.Error("the request's id itself is stored")
	}
	if again := m(s.Record(x, t0)); len(again.Requests) != 1 {
		t.Error("recorded twice")
	}
	// A second request away from the same key is served by the same rotation.
	for i := range 30 {
		s = m(s.Record(keyset.NamedRequest(fmt.Sprint(i), "a", "someone"), t0.Add(time.Hour)))
	}
	if _, err := s.Record(keyset.NamedRequest("one more", "a", ""), t0.Add(100*24*time.Hour)); !errors.Is(err, keyset.ErrTooManyAsked) {
		t.Errorf("a 32nd with a name while all are pending: %v", err)
	}
	s = m(s.Publish(symmetric(t, "b"), t0))
	s = m(s.MarkReady(t0, nil))
	s = m(s.Promote(t0))
	if _, ok := s.Pending(); ok {
		t.Error("still pending after the promotion")
	}
	if _, err := s.Record(keyset.NamedRequest("one more", "b", ""), t0.Add(keyset.RequestsKept)); !errors.Is(err, keyset.ErrTooManyAsked) {
		t.Errorf("a 32nd with a name within seven days: %v", err)
	}
	if _, err := s.Record(keyset.UnnamedRequest("b", "a person"), t0.Add(time.Hour)); err != nil {
		t.Errorf("a person without an id is kept from rotating: %v", err)
	}
	s = m(s.Record(keyset.NamedRequest("one more", "b", ""), t0.Add(keyset.RequestsKept+time.Second)))
	if _, ok := s.Recorded(x.ID); ok {
		t.Error("the oldest request is kept although it is no longer needed")
	}
}

func TestMarksNeverGoBack(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	s = m(s.Publish(symmetric(t, "b"), t0))
	s = m(s.MarkReady(t0.Add(time.Hour), nil))
	s = m(s.MarkReady(t0, keyset.Places{{Output: "o", Revision: "1"}}))
	if !s.Ready.At.Equal(t0.Add(time.Hour)) {
		t.Errorf("ready went back to %s", s.Ready.At)
	}
}

func TestPlacesDigestIgnoresOrder(t *testing.T) {
	a := keyset.Places{{Output: "a", Revision: "1"}, {Output: "b", Revision: "2"}}
	b := keyset.Places{{Output: "b", Revision: "2"}, {Output: "a", Revision: "1"}}
	c := keyset.Places{{Output: "a", Revision: "12"}, {Output: "b"}}
	if a.Digest() != b.Digest() || a.Digest() == c.Digest() || a.Digest() == keyset.Places(nil).Digest() {
		t.Error("the digest does not name the state of the outputs")
	}
}

func TestFollows(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "a"))
	first := s.Past()
	for i := range 40 {
		s = m(s.Record(keyset.UnnamedRequest("gone-"+fmt.Sprint(i), ""), t0))
	}
	if !s.Follows(first) {
		t.Error("it does not follow an ancestor from before its history")
	}
	fork := m(create(t, symmetric(t, "z")).Publish(symmetric(t, "y"), t0))
	s = m(s.Publish(symmetric(t, "b"), t0))
	if s.Follows(fork.Past()) {
		t.Error("a fork of the same generation is taken for an ancestor")
	}
	for _, higher := range []uint64{s.Generation + 1, s.Generation + 100} {
		if s.Follows(keyset.Past{Generation: higher, Digest: s.Digest}) {
			t.Errorf("it follows generation %d", higher)
		}
	}
}

// A document that is nearly full has its history cut short. That is no sign of a
// fork: whoever saw an ancestor goes on.
func TestFollowsBeyondAHistoryThatWasCut(t *testing.T) {
	m := must(t)
	s := m(create(t, symmetric(t, "a")).Publish(symmetric(t, "b"), t0))
	var revoked []string
	for i := range 60 {
		revoked = append(revoked, fmt.Sprintf("%0256d", i))
	}
	s = reread(t, m(s.Revoke(revoked, nil, t0)))
	for i := 0; ; i++ { // until there is no room for more
		asked, err := s.Record(keyset.NamedRequest(fmt.Sprint(i), s.Signing().Kid, strings.Repeat("b", 250)), t0)
		if err != nil {
			break
		}
		s = reread(t, asked)
	}
	seen := []keyset.Past{s.Past()}
	for i := range 20 {
		s = reread(t, m(s.MarkReady(t0, keyset.Places{{Output: "o", Revision: fmt.Sprint(i)}})))
		seen = append(seen, s.Past())
	}
	if n := len(s.History); n == 16 {
		t.Fatal("nothing was cut")
	}
	for i, ancestor := range seen {
		if !s.Follows(ancestor) {
			t.Errorf("it does not follow the document of %d writes ago", len(seen)-1-i)
		}
	}
}

// Rotations that come faster than the grace end do not put off what came
// before: each key goes a grace after its own successor was seen.
func TestPromise4FrequentRotationsStillRetire(t *testing.T) {
	m := must(t)
	s := create(t, symmetric(t, "k0"))
	for i := range 20 {
		at := t0.Add(time.Duration(i+1) * 24 * time.Hour)
		s = m(s.Publish(symmetric(t, fmt.Sprintf("k%d", i+1)), at))
		s = m(s.MarkReady(at, nil))
		s = m(s.Promote(at))
		s = m(s.MarkSettled(at, nil, 48*time.Hour))
		s = m(s.MarkSettled(at.Add(time.Minute), keyset.Places{{Output: "o", Revision: fmt.Sprint(i)}}, 48*time.Hour))
		for _, k := range s.Previous() {
			if !k.Expires.IsZero() && at.After(k.Expires) {
				s = m(s.Retire(k.Kid, at))
			}
		}
		if n := len(s.Previous()); n > 3 {
			t.Fatalf("after %d days %d previous keys are live", i+1, n)
		}
	}
}

// The largest document that can come about still takes the next rotation, or
// says that it has no room before it makes a key.
func TestEveryDocumentFits(t *testing.T) {
	for name, k := range map[string]func(int) keyset.Key{
		"HS512":    func(i int) keyset.Key { return symmetric(t, fmt.Sprintf("k%d", i)) },
		"RSA 4096": func(int) keyset.Key { return large(t) },
	} {
		t.Run(name, func(t *testing.T) {
			m := must(t)
			s := create(t, k(0))
			at := t0
			for i := range 12 {
				at = at.Add(12 * time.Hour)
				for n := range 40 {
					r := keyset.NamedRequest(fmt.Sprint(i, n), s.Signing().Kid, strings.Repeat("b", 64))
					if asked, err := s.Record(r, at); err == nil {
						s = reread(t, asked)
					}
				}
				if _, ok := s.Next(); !ok && s.HasRoom() {
					s = m(s.Publish(k(i+1), at))
				}
				if next, ok := s.Next(); ok {
					s = m(s.MarkReady(at, nil))
					s = m(s.Promote(at))
					if s.Signing().Kid != next.Kid {
						t.Fatal("not promoted")
					}
				}
				s = m(s.MarkSettled(at, nil, 48*time.Hour))
				for _, old := range s.Previous() {
					if !old.Expires.IsZero() && !at.Before(old.Expires) {
						s = m(s.Retire(old.Kid, at))
					}
				}
			}
			if s.Generation < 8 {
				t.Errorf("it came to a halt at generation %d", s.Generation)
			}
		})
	}
}

func TestAcceptIsAboveAllThatIsKnown(t *testing.T) {
	old := reread(t, create(t, symmetric(t, "first")))
	n, err := old.Accept(9, []string{"gone"}, nil, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	n = reread(t, n)
	if n.Generation != 10 || n.Accepted != 9 || n.Signing().Kid != old.Signing().Kid || !slices.Contains(n.Revoked, "gone") {
		t.Errorf("generation %d, accepted %d, revoked %v", n.Generation, n.Accepted, n.Revoked)
	}
	for _, w := range []struct {
		keyset.Past
		follows bool
	}{{old.Past(), true}, {keyset.Past{Generation: 9, Digest: "of a lost document"}, true}, {keyset.Past{Generation: 10, Digest: "of another one"}, false}} {
		if n.Follows(w.Past) != w.follows {
			t.Errorf("follows generation %d: %v", w.Generation, !w.follows)
		}
	}
	if _, err := old.Accept(9, []string{old.Signing().Kid}, nil, t0); err == nil {
		t.Error("the signing key was revoked without a successor")
	}
}

func TestReplacedIsTheKeyThatCurrentTookThePlaceOf(t *testing.T) {
	s := create(t, symmetric(t, "first"))
	if _, ok := s.Replaced(); ok {
		t.Error("a first key has replaced one")
	}
	fresh := symmetric(t, "fresh")
	n, err := s.Revoke([]string{s.Signing().Kid}, &fresh, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if g, ok := reread(t, n).Replaced(); !ok || g.Kid != s.Signing().Kid {
		t.Errorf("%v, %v", g, ok)
	}
}
