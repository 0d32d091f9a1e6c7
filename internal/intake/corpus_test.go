package intake_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// A sample is a source with what has to become of it. testdata/make.py makes them.
type sample struct {
	Origin     string
	Text       []byte
	Fields     map[string][]byte
	Field      string
	Signs, Kid string
	AsIs       bool
	Algorithm  keyset.Algorithm
	Bytes      keyset.Encoding
	Passphrase *string

	Refused intake.Code
	Keys    []wanted
	Notes   []string
	Short   int
}

type wanted struct {
	ID, Kid string
	Alg     keyset.Algorithm
	Private bool
}

func samples(t testing.TB) (all []sample) {
	data, err := os.ReadFile("testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s sample) take() (intake.Result, error) {
	ask := intake.Ask{
		Field: s.Field, Signs: s.Signs, Kid: s.Kid, AsIs: s.AsIs,
		Spec: keygen.Spec{Algorithm: s.Algorithm, Encoding: s.Bytes, AsBytes: s.Bytes != ""},
		Taken: func(kid string) string {
			if kid == "taken" {
				return "other"
			}
			return ""
		},
	}
	if s.Passphrase != nil {
		ask.Passphrase = func() (secret.Text, error) { return secret.New([]byte(*s.Passphrase)), nil }
	}
	return intake.Take(intake.Source{Text: s.Text, Fields: s.Fields}, ask)
}

// TestCorpus takes each source in right, or refuses it with a cure. None is
// taken in wrong.
func TestCorpus(t *testing.T) {
	all := samples(t)
	taken, refused := 0, 0
	for _, s := range all {
		t.Run(s.Origin, func(t *testing.T) {
			got, err := s.take()
			if s.Refused != "" {
				refused++
				s.refused(t, got, err)
				return
			}
			taken++
			if err != nil {
				t.Fatal(err)
			}
			s.holds(t, got)
		})
	}
	if len(all) < 120 {
		t.Errorf("%d sources", len(all))
	}
	t.Logf("%d sources: %d taken in, %d refused", len(all), taken, refused)
}

func (s sample) refused(t *testing.T, got intake.Result, err error) {
	var r *intake.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%d keys, notes %s, %v", len(got.Keys), got.Notes, err)
	}
	if r.Code != s.Refused {
		t.Errorf("%s: %s", r.Code, r)
	}
	if len(got.Keys) > 0 || r.Hint() == "" || strings.ContainsAny(r.Error()+r.Hint(), "{}") && !strings.Contains(r.Error(), "{{") {
		t.Errorf("%s\nhint: %s", r, r.Hint())
	}
	for _, part := range append([][]byte{s.Text}, values(s.Fields)...) {
		message := r.Error() + r.Hint()
		for _, public := range append(append(r.Kids, r.Members...), r.Name) {
			message = strings.ReplaceAll(message, public, "")
		}
		if quotes(message, string(part)) {
			t.Errorf("the refusal quotes the source: %s\nhint: %s", r, r.Hint())
		}
	}
}

func values(fields map[string][]byte) (all [][]byte) {
	for _, v := range fields {
		all = append(all, v)
	}
	return all
}

// quotes reports whether a message has twelve characters of a source that are no
// words: a run of letters, digits and signs with a digit in it.
func quotes(message, source string) bool {
	for _, part := range strings.FieldsFunc(source, func(r rune) bool { return strings.ContainsRune(" \n\r\t\"',:{}[]=", r) }) {
		if len(part) >= 12 && strings.ContainsAny(part, "0123456789") && strings.Contains(message, part) {
			return true
		}
	}
	return false
}

func (s sample) holds(t *testing.T, got intake.Result) {
	if len(got.Keys) != len(s.Keys) {
		t.Fatalf("%d keys, want %d", len(got.Keys), len(s.Keys))
	}
	for i, want := range s.Keys {
		k := got.Keys[i]
		material := k.PublicPEM()
		if k.Alg.Symmetric() {
			material = k.Text().Reveal()
		}
		sum := sha256.Sum256(material)
		if hex.EncodeToString(sum[:]) != want.ID {
			t.Errorf("key %d is another one", i+1)
		}
		private := want.Private || k.Alg.Symmetric()
		if k.Alg != want.Alg || k.Private() != private || want.Kid != "" && k.Kid != want.Kid || k.Kid == "" || !k.Adopted {
			t.Errorf("key %d: %s, kid %s, private %v; want %+v", i+1, k.Alg, k.Kid, k.Private(), want)
		}
	}
	var codes []string
	for _, n := range got.Notes {
		codes = append(codes, string(n.Code))
		if n.String() == "" || strings.ContainsAny(n.String(), "{}") {
			t.Errorf("note %s: %q", n.Code, n)
		}
	}
	slices.Sort(codes)
	if !slices.Equal(codes, s.Notes) {
		t.Errorf("notes %q, want %q", codes, s.Notes)
	}
	if len(got.Short) != s.Short {
		t.Errorf("%d keys are too short, want %d", len(got.Short), s.Short)
	}
}
