package keyset_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

var kids = 0

func newKey(t *testing.T, alg keyset.Algorithm) keyset.Key {
	if alg.Symmetric() {
		kids++
		return symmetric(t, fmt.Sprintf("k%d", kids))
	}
	kids++
	k, err := keyset.AdoptAsymmetric(fmt.Sprintf("k%d", kids), alg, signers()[alg])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rotated is a keyset with a current and a previous key, and a next one.
func rotated(t *testing.T, alg keyset.Algorithm) *keyset.Set {
	t.Helper()
	s, err := keyset.Create("k", "e", "l", newKey(t, alg), t0)
	for _, step := range []func() (*keyset.Set, error){
		func() (*keyset.Set, error) { return s.Publish(newKey(t, alg), t0) },
		func() (*keyset.Set, error) { return s.MarkReady(t0, nil) },
		func() (*keyset.Set, error) { return s.Promote(t0.Add(time.Hour)) },
		func() (*keyset.Set, error) { return s.MarkSettled(t0.Add(time.Hour), nil, 9*time.Hour) },
		func() (*keyset.Set, error) { return s.Publish(newKey(t, alg), t0.Add(time.Hour)) },
	} {
		if err != nil {
			t.Fatal(err)
		}
		s = reread(t, s)
		s, err = step()
	}
	if err != nil {
		t.Fatal(err)
	}
	return reread(t, s)
}

func removal(t *testing.T, s *keyset.Set, keep time.Duration) *keyset.Set {
	t.Helper()
	n, err := s.Remove(keyset.Removal{For: keep, By: "me"}, t0.Add(2*time.Hour+keep), t0.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return reread(t, n)
}

// Promise 1: nothing signs while a key is removed. What applications read has no current key, and of a
// pair no private half.
func TestPromise1NothingSignsWhileAKeyIsRemoved(t *testing.T) {
	for _, alg := range []keyset.Algorithm{keyset.HS256, keyset.ES256, keyset.RS256} {
		s := rotated(t, alg)
		signed := s.Signing()
		n := removal(t, s, 48*time.Hour)
		if _, next := n.Next(); next || n.Signing().Status != keyset.Previous || n.Signing().Kid != signed.Kid || n.MinWriter != 2 {
			t.Fatalf("%s: %+v", alg, n.Keys)
		}
		if !alg.Symmetric() && n.Signing().SignKey() != nil {
			t.Errorf("%s: the key can sign", alg)
		}
		text, err := n.Projection()
		if err != nil {
			t.Fatal(err)
		}
		shown, err := keyset.Parse(text.Reveal())
		if err != nil || shown.Removing == nil || shown.MinWriter != 1 {
			t.Fatalf("%s: what readers get: %v", alg, err)
		}
		if bytes.Contains(text.Reveal(), []byte(`"last"`)) || bytes.Contains(text.Reveal(), []byte("PRIVATE")) {
			t.Errorf("%s: readers get the private half", alg)
		}
		if _, err := n.Publish(newKey(t, alg), t0.Add(3*time.Hour)); !errors.Is(err, keyset.ErrWrongStatus) {
			t.Errorf("%s: published: %v", alg, err)
		}
		signs := edit(t, encode(t, n), func(tree map[string]any) { keyAt(tree, 0)["status"] = "current" })
		if _, err := keyset.Parse(signs); err == nil || !strings.Contains(err.Error(), "a key signs while it is removed") {
			t.Errorf("%s: one that signs: %v", alg, err)
		}
		back, err := n.Restore(t0.Add(3 * time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		back = reread(t, back)
		if got := back.Signing(); got.Kid != signed.Kid || got.SignKey() == nil || got.Status != keyset.Current || back.MinWriter != 1 || back.Removing != nil {
			t.Errorf("%s: after the removal was taken back: %+v", alg, got)
		}
	}
}

// Promise 3: the end waits for every date, and what is signed until the end was seen everywhere lives as
// long as was said. A person who says now waits for nothing.
func TestPromise3TheEndWaitsForEveryDate(t *testing.T) {
	n := removal(t, rotated(t, keyset.ES256), 4*time.Hour)
	if at := n.Keys[1].Expires; !at.Equal(t0.Add(10 * time.Hour)) { // 1h + 9h
		t.Fatalf("the key before verifies until %s now", at)
	}
	seen := reread(t, must(t)(n.MarkSettled(t0.Add(8*time.Hour), nil, time.Minute)))
	if at := seen.Signing().Expires; !at.Equal(t0.Add(12 * time.Hour)) {
		t.Errorf("seen everywhere at 8h, it goes at %s", at)
	}
	if at := seen.Keys[1].Expires; !at.Equal(t0.Add(10 * time.Hour)) {
		t.Errorf("the key before goes at %s", at)
	}
	if _, err := seen.Bury(nil, t0.Add(11*time.Hour)); !errors.Is(err, keyset.ErrTooEarly) {
		t.Errorf("too early: %v", err)
	}
	if _, err := rotated(t, keyset.ES256).Bury(nil, t0.Add(99*time.Hour)); !errors.Is(err, keyset.ErrWrongStatus) {
		t.Errorf("nobody removed it: %v", err)
	}
	hurried, err := seen.Hasten("you", t0.Add(9*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hurried.Bury(nil, t0.Add(9*time.Hour)); err != nil {
		t.Error(err)
	}
}

// Promise 4: the marker holds no key, tells of each one that was removed, and of no other. Earlier
// revisions may not stay.
func TestPromise4TheMarkerHoldsNoKey(t *testing.T) {
	n := removal(t, rotated(t, keyset.ES256), time.Hour)
	kids := []string{n.Keys[0].Kid, n.Keys[1].Kid}
	n, err := n.Bury(nil, t0.Add(10*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := string(encode(t, n))
	n = reread(t, n)
	if n.Removed == nil || len(n.Keys) != 0 || n.Dropped != n.Generation || n.Lineage != "l" || !strings.Contains(text, `"schema":"rotate/removed/v1"`) {
		t.Fatalf("%s", text)
	}
	for _, member := range []string{`"k":`, `"d":`, `"x":`, "PRIVATE", "PUBLIC", `"current"`} {
		if strings.Contains(text, member) {
			t.Errorf("the marker has %s", member)
		}
	}
	for _, kid := range kids {
		if !n.Knows(kid) {
			t.Errorf("nothing tells of kid %s", kid)
		}
	}
	for what, try := range map[string]func() (*keyset.Set, error){
		"publish": func() (*keyset.Set, error) { return n.Publish(newKey(t, keyset.ES256), t0.Add(20*time.Hour)) },
		"restore": func() (*keyset.Set, error) { return n.Restore(t0.Add(20 * time.Hour)) },
		"remove":  func() (*keyset.Set, error) { return n.Remove(keyset.Removal{}, t0, t0) },
		"bury":    func() (*keyset.Set, error) { return n.Bury(nil, t0.Add(20*time.Hour)) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: it was done to a key that was removed", what)
		}
	}
}

// A later key of the name names the lineage that has ended, so that whoever remembers that one goes on.
func TestALaterKeyNamesTheLineageBefore(t *testing.T) {
	n := reread(t, must(t)(removal(t, rotated(t, keyset.HS256), time.Hour).Bury([]string{"bad"}, t0.Add(10*time.Hour))))
	again, err := n.Again("k", "e", "l2", newKey(t, keyset.HS256), t0.Add(11*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	again = reread(t, again)
	if !again.Ended("l", n.Generation) || again.Ended("l", n.Generation+1) || again.Ended("l2", 1) || again.MinWriter != 1 {
		t.Errorf("it began after %+v", again.After)
	}
	if _, err := again.Again("k", "e", "l3", newKey(t, keyset.HS256), t0); err == nil {
		t.Error("a key that lives was begun anew")
	}
}

// Promise 5: a request that waits when a key is removed is served once, after the removal was taken back, and a retry of
// it changes nothing.
func TestPromise5ARequestOutlivesARemoval(t *testing.T) {
	s := create(t, newKey(t, keyset.HS256))
	asked := must(t)(s.Record(keyset.NamedRequest("release", s.Signing().Kid, "me"), t0))
	removing := removal(t, asked, time.Hour)
	if _, pending := removing.Pending(); pending {
		t.Error("a request waits for a promotion that never comes")
	}
	back := must(t)(removing.Restore(t0.Add(3 * time.Hour)))
	if r, pending := back.Pending(); !pending || r.By != "me" {
		t.Error("the request was forgotten, so a retry of it would be served as a new one")
	}
}

// A compromise of the key that signed last leaves no way back, and gives it no successor.
func TestACompromiseEndsTheWayBack(t *testing.T) {
	n := removal(t, rotated(t, keyset.ES256), 48*time.Hour)
	last := n.Signing().Kid
	n, err := n.Revoke([]string{last}, nil, t0.Add(3*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := string(encode(t, n))
	n = reread(t, n)
	if _, err := n.Restore(t0.Add(4 * time.Hour)); !errors.Is(err, keyset.ErrNoWayBack) {
		t.Errorf("restored: %v", err)
	}
	if n.Signing().Status != keyset.Previous || strings.Contains(text, `"last"`) {
		t.Errorf("%s signs", n.Signing().Kid)
	}
}
