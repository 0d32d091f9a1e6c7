package keyset_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func TestAdoptSeveral(t *testing.T) {
	day := 24 * time.Hour
	a, b, c := symmetric(t, "a"), symmetric(t, "b"), symmetric(t, "c")
	s := must(t)(keyset.Adopt("auth-jwt", "test", "lineage-1", []keyset.Key{a, b, c}, t0, t0.Add(90*day)))
	if s.Generation != 1 || s.Signing().Kid != "a" || len(s.Previous()) != 2 || s.Previous()[0].Kid != "b" || s.Previous()[1].Kid != "c" {
		t.Fatalf("%+v", s.Keys)
	}
	for _, k := range s.Keys {
		if !k.Issued.Equal(t0) || !k.NotBefore.Equal(t0) {
			t.Errorf("kid %s: %s, %s", k.Kid, k.Issued, k.NotBefore)
		}
	}
	// The date that was asked for is never shortened, and it holds.
	s = must(t)(s.MarkSettled(t0, nil, 48*time.Hour))
	s = must(t)(s.MarkSettled(t0.Add(day), nil, 48*time.Hour))
	for _, k := range s.Previous() {
		if !k.Expires.Equal(t0.Add(90 * day)) {
			t.Errorf("kid %s verifies until %s", k.Kid, k.Expires)
		}
	}
	if _, err := s.Retire("c", t0.Add(89*day)); !errors.Is(err, keyset.ErrTooEarly) {
		t.Errorf("retired early: %v", err)
	}
	s = must(t)(s.Retire("c", t0.Add(90*day)))
	if len(s.Keys) != 2 {
		t.Errorf("%d keys", len(s.Keys))
	}
}

// Without a date the grace begins once the document was seen everywhere.
func TestAdoptForTheGrace(t *testing.T) {
	s := must(t)(keyset.Adopt("auth-jwt", "test", "lineage-1", []keyset.Key{symmetric(t, "a"), symmetric(t, "b")}, t0, time.Time{}))
	if !s.Previous()[0].Expires.IsZero() {
		t.Fatal("the grace began before anyone saw the document")
	}
	s = must(t)(s.MarkSettled(t0.Add(time.Hour), nil, 48*time.Hour))
	if got := s.Previous()[0].Expires; !got.Equal(t0.Add(49 * time.Hour)) {
		t.Errorf("it verifies until %s", got)
	}
	s = must(t)(s.Publish(symmetric(t, "n"), t0.Add(2*time.Hour)))
	if next, ok := s.Next(); !ok || next.Kid != "n" {
		t.Error("no next key can be published")
	}
}

// Promise 9: of adopted pairs only the first keeps what signs.
func TestPromise9AdoptDropsPrivateHalves(t *testing.T) {
	first, second := asymmetric(t, keyset.ES256), asymmetric(t, keyset.Ed25519)
	third, err := keyset.AdoptPublic("old", keyset.RS256, signers()[keyset.RS256].Public())
	if err != nil {
		t.Fatal(err)
	}
	s := must(t)(keyset.Adopt("auth-jwt", "test", "lineage-1", []keyset.Key{first, second, third}, t0, time.Time{}))
	if s.Signing().SignKey() == nil || s.Keys[1].SignKey() != nil || s.Keys[2].SignKey() != nil {
		t.Error("the wrong keys can sign")
	}
	if n := bytes.Count(encode(t, s), []byte(`"d":`)); n != 1 {
		t.Errorf("%d private members", n)
	}
}

func TestAdoptRefuses(t *testing.T) {
	a, b := symmetric(t, "a"), symmetric(t, "b")
	var nine, large []keyset.Key
	for _, kid := range "123456789" {
		nine = append(nine, symmetric(t, string(kid)))
	}
	for _, kid := range "1234567" {
		k, err := keyset.AdoptSymmetric(string(kid), keyset.HS256, secret.New([]byte(strings.Repeat(string(kid), 4000))), "")
		if err != nil {
			t.Fatal(err)
		}
		large = append(large, k)
	}
	public, err := keyset.AdoptPublic("", keyset.RS256, signers()[keyset.RS256].Public())
	if err != nil || public.Kid == "" {
		t.Fatal(public.Kid, err)
	}
	for name, c := range map[string]struct {
		keys  []keyset.Key
		until time.Time
		want  error
	}{
		"no key":            {nil, time.Time{}, keyset.ErrNoCurrent},
		"one kid twice":     {[]keyset.Key{a, a}, time.Time{}, keyset.ErrDuplicateKid},
		"nine keys":         {nine, time.Time{}, keyset.ErrTooManyKeys},
		"too large":         {large, time.Time{}, keyset.ErrTooLarge},
		"a date now":        {[]keyset.Key{a, b}, t0, keyset.ErrDates},
		"a date long after": {[]keyset.Key{a, b}, t0.Add(keyset.MaxUntil + time.Second), keyset.ErrDates},
		"nothing signs":     {[]keyset.Key{public, a}, time.Time{}, keyset.ErrBadKey},
	} {
		if _, err := keyset.Adopt("auth-jwt", "test", "lineage-1", c.keys, t0, c.until); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
	if _, err := keyset.AdoptPublic("", keyset.RS256, nil); !errors.Is(err, keyset.ErrBadKey) {
		t.Error(err)
	}
	if _, err := keyset.AdoptPublic("", keyset.ES256, "no key"); !errors.Is(err, keyset.ErrBadKey) {
		t.Error(err)
	}
}
