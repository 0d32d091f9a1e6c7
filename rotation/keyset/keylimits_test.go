package keyset

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/secret"
)

func TestKeysAtTheirLimits(t *testing.T) {
	for alg, least := range map[Algorithm]int{HS256: 32, HS384: 48, HS512: 64, Opaque: 32} {
		for _, adopted := range []bool{false, true} {
			for n, ok := range map[int]bool{0: false, 1: adopted, least - 1: adopted, least: true} {
				k := Key{Kid: "k", Alg: alg, Adopted: adopted, bytes: secret.New(make([]byte, n))}
				if err := k.checkMaterial(); (err == nil) != ok {
					t.Errorf("%d bytes for %s, adopted %v: %v", n, alg, adopted, err)
				}
			}
		}
	}
	for bits, ok := range map[int]bool{2040: false, 2048: true, 8192: true, 8193: false} {
		n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
		n.SetBit(n, 0, 1)
		if err := readModulus(n, big.NewInt(65537), false); (err == nil) != ok {
			t.Errorf("a modulus of %d bits: %v", bits, err)
		}
	}
	if err := readModulus(new(big.Int).SetBit(big.NewInt(1), 1023, 1), big.NewInt(65537), true); err != nil {
		t.Errorf("an adopted key of 1024 bits: %v", err)
	}
	modulus := new(big.Int).SetBit(big.NewInt(1), 2047, 1)
	for e, ok := range map[int64]bool{1<<31 - 1: true, 1<<31 + 1: false, 65536: false, 3: true} {
		if err := readModulus(modulus, big.NewInt(e), false); (err == nil) != ok {
			t.Errorf("exponent %d: %v", e, err)
		}
	}
	if err := readModulus(big.NewInt(0), big.NewInt(3), true); err == nil {
		t.Error("a modulus of 0 is taken")
	}
}

// readModulus reads a public RSA key.
func readModulus(n, e *big.Int, adopted bool) error {
	text := func(i *big.Int) any {
		return base64.RawURLEncoding.EncodeToString(i.FillBytes(make([]byte, max(1, (i.BitLen()+7)/8))))
	}
	k := Key{Alg: RS256, Adopted: adopted}
	m := &members{m: map[string]any{"n": text(n), "e": text(e)}}
	err := k.readRSA(m)
	if err == nil {
		err = k.checkMaterial()
	}
	return errors.Join(append(m.errs, err)...)
}

// A mark of the same promotion that is made again moves the date of the key that
// current has replaced, never back, and no other key's.
func TestSettledAgainMovesOneDate(t *testing.T) {
	s := someSet(t)
	at := epoch
	for n := 1; n <= 2; n++ {
		at = at.Add(time.Hour)
		next, err := s.Publish(someKey(t, fmt.Sprint("k", n)), at)
		if err == nil {
			next, err = next.MarkReady(at, nil)
		}
		if err == nil {
			s, err = next.Promote(at)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const grace = 24 * time.Hour
	settle := func(s *Set, after time.Duration) *Set {
		t.Helper()
		n, err := s.MarkSettled(at.Add(after), nil, grace)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	dates := func(s *Set) (first, second time.Duration) {
		p := s.Previous()
		return p[0].Expires.Sub(at) - grace, p[1].Expires.Sub(at) - grace
	}
	once := settle(s, time.Minute)
	for after, want := range map[time.Duration]time.Duration{time.Hour: time.Hour, 0: time.Minute} {
		if first, second := dates(settle(once, after)); first != want || second != time.Minute {
			t.Errorf("made again %s after the promotion, the dates are a grace after %s and %s", after, first, second)
		}
	}
	other := *once
	other.Settled = &Mark{Kid: "k0", At: at}
	if first, _ := dates(settle(&other, time.Hour)); first != time.Minute {
		t.Errorf("another key's mark moves the date to %s", first)
	}
}

func TestForget(t *testing.T) {
	s, err := someSet(t).WithOutputs([]Output{{Name: "a", Format: "value"}, {Name: "a", Format: "env"}, {Name: "b", Format: "value"}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Forget(epoch, "a")
	if err != nil || len(n.Outputs) != 1 || n.Outputs[0].Name != "b" || len(s.Outputs) != 3 {
		t.Errorf("%v, %v", n, err)
	}
	s.MinWriter = writer + 1
	if n, err := s.Forget(epoch, "a"); !errors.Is(err, ErrNewerWriter) || n != nil {
		t.Errorf("of a newer rotate's document: %v, %v", n, err)
	}
	s.MinWriter = writer
	if err := s.Writable(); err != nil {
		t.Errorf("this version's own document: %v", err)
	}
}

// What a JWK leaves out, and what does not fit its curve.
func TestJWKsAtTheirEdges(t *testing.T) {
	text := func(n int) any { return base64.RawURLEncoding.EncodeToString(make([]byte, n)) }
	read := func(m map[string]any) (Key, error) {
		var k Key
		o := &members{m: m}
		err := k.readJWK(o)
		return k, errors.Join(append(o.errs, err)...)
	}
	if k, err := read(map[string]any{"kty": "oct", "k": text(32)}); err != nil || k.Alg != Opaque {
		t.Errorf("a symmetric key without alg is for %q, %v", k.Alg, err)
	}
	if k, err := read(map[string]any{"kty": "OKP", "crv": "Ed25519", "x": text(32)}); err == nil {
		t.Errorf("an Ed25519 key without alg is for %q", k.Alg)
	}
	for _, tt := range []struct {
		curve string
		x     int
		ok    bool
	}{{"Ed25519", 32, true}, {"Ed25519", 31, false}, {"Ed25519", 33, false}, {"X25519", 32, false}} {
		if _, err := read(map[string]any{"kty": "OKP", "alg": "EdDSA", "crv": tt.curve, "x": text(tt.x)}); (err == nil) != tt.ok {
			t.Errorf("%d bytes on %s: %v", tt.x, tt.curve, err)
		}
	}
}

// What is empty or 0 leaves no member in the document.
func TestEmptyLeavesNoMember(t *testing.T) {
	s := someSet(t)
	s.MinWriter = 0
	tree := s.tree(true)
	for _, name := range []string{"min_writer", "revoked", "parent", "write", "dropped", "accepted", "ready", "settled", "history", "gone", "outputs", "requests"} {
		if v, there := tree[name]; there {
			t.Errorf("%s is %v", name, v)
		}
	}
	s.MinWriter, s.Dropped, s.Accepted, s.Revoked = 1, 1, 1, []string{"r"}
	for _, name := range []string{"min_writer", "dropped", "accepted", "revoked"} {
		if _, there := s.tree(true)[name]; !there {
			t.Errorf("%s is left out", name)
		}
	}
	for _, k := range tree["keys"].([]any) {
		for _, name := range []string{"adopted", "exp", "encoding"} {
			if v, there := k.(map[string]any)[name]; there {
				t.Errorf("%s of a key is %v", name, v)
			}
		}
	}
}

// Two keys are one exactly where their material is, whatever they are called.
func TestSameMaterial(t *testing.T) {
	a, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	asymmetric, err := NewAsymmetric(RS256, a)
	if err != nil {
		t.Fatal(err)
	}
	one, same := someKey(t, "a"), someKey(t, "b")
	other := one
	other.bytes = secret.New([]byte(strings.Repeat("o", 32)))
	public := asymmetric.withoutPrivate()
	for _, tt := range []struct {
		a, b Key
		want bool
	}{{one, same, true}, {one, other, false}, {one, asymmetric, false}, {asymmetric, one, false}, {asymmetric, public, true}} {
		if got := tt.a.SameMaterial(tt.b); got != tt.want {
			t.Errorf("%s %s and %s %s: %v", tt.a.Alg, tt.a.Kid, tt.b.Alg, tt.b.Kid, got)
		}
	}
	if !asymmetric.Private() || public.Private() {
		t.Error("the private half is not told")
	}
}
