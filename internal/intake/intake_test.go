package intake_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestMembers(t *testing.T) {
	for name, c := range map[string]struct {
		src  intake.Source
		want string
	}{
		"a text":         {intake.Source{Text: []byte("abc")}, ""},
		"a list":         {intake.Source{Text: []byte(`["a"]`)}, ""},
		"a JWK":          {intake.Source{Text: []byte(`{"kty":"oct","k":"YQ"}`)}, ""},
		"an object":      {intake.Source{Text: []byte(`{"b":"x","a":{"c":"y","d":1},"e":["z"],"f":null}`)}, "b text, a object, a.c text, a.d number, e list, f null"},
		"a JWK in it":    {intake.Source{Text: []byte(`{"k":{"kty":"oct","k":"YQ"},"s":"{\"keys\":[{\"kty\":\"oct\"}]}"}`)}, "k JWK, s JWK Set"},
		"fields":         {intake.Source{Fields: map[string][]byte{"b": []byte("x"), "a.pem": []byte("-----BEGIN X-----")}}, "a.pem PEM, b text"},
		"JSON in fields": {intake.Source{Fields: map[string][]byte{"a": []byte(`{"b":"c"}`)}}, "a object, a.b text"},
	} {
		var got []string
		for _, m := range intake.Members(c.src) {
			got = append(got, m.Name+" "+m.Kind)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}

func TestOwnKeyset(t *testing.T) {
	k, err := keygen.Spec{}.New()
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Adopt("auth-jwt", "test", "lineage", []keyset.Key{k}, start, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, doc, err := set.Encode("", "write")
	if err != nil {
		t.Fatal(err)
	}
	_, err = intake.Take(intake.Source{Text: append(doc.Reveal(), '\n')}, intake.Ask{})
	var r *intake.Refusal
	if !errors.As(err, &r) || r.Code != intake.OwnKeyset || r.Name != "auth-jwt" {
		t.Error(err)
	}
}

// An error of the function that asks comes through, and it is asked once.
func TestPassphraseIsAskedOnce(t *testing.T) {
	var locked []byte
	for _, s := range samples(t) {
		if s.Origin == "openssl pkcs8 -topk8, scrypt" {
			locked = s.Text
		}
	}
	stopped, asked := errors.New("no terminal"), 0
	ask := intake.Ask{Passphrase: func() (secret.Text, error) { asked++; return secret.Text{}, stopped }}
	if _, err := intake.Take(intake.Source{Text: locked}, ask); !errors.Is(err, stopped) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	ask.Passphrase = func() (secret.Text, error) { asked++; return secret.New([]byte("correct horse")), nil }
	list := []byte(`[` + jsonText(locked) + `,` + jsonText(locked[:len(locked)-1]) + `]`)
	if _, err := intake.Take(intake.Source{Text: list}, ask); err == nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked-1, err) // one kid twice
	}
}

func jsonText(b []byte) string {
	return `"` + strings.ReplaceAll(string(b), "\n", `\n`) + `"`
}

// What generators make is never refused: a refusal there would teach people to
// give --as-is each time.
func TestGeneratedTextsAreTaken(t *testing.T) {
	n := 100
	if more, err := strconv.Atoi(os.Getenv("ROTATE_INTAKE_TEXTS")); err == nil {
		n = more
	}
	const django = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
	raw := make([]byte, 64)
	refused := map[string]int{}
	for range n {
		if _, err := rand.Read(raw); err != nil {
			t.Fatal(err)
		}
		var chosen strings.Builder
		for _, b := range raw[:50] {
			chosen.WriteByte(django[int(b)%len(django)])
		}
		for kind, text := range map[string]string{
			"base64": base64.StdEncoding.EncodeToString(raw[:32]), "base64url": base64.RawURLEncoding.EncodeToString(raw[:32]),
			"base64 of 16 bytes": base64.StdEncoding.EncodeToString(raw[:16]), "hex": hex.EncodeToString(raw[:32]),
			"HEX": strings.ToUpper(hex.EncodeToString(raw[:32])), "uuid": fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:16]),
			"Django": chosen.String(), "Laravel": "base64:" + base64.StdEncoding.EncodeToString(raw[:32]), "base64 of 64 bytes": base64.StdEncoding.EncodeToString(raw),
		} {
			if _, err := intake.Take(intake.Source{Text: []byte(text + "\n")}, intake.Ask{}); err != nil {
				refused[kind]++
				if kind != "Django" {
					t.Errorf("%s: %s: %v", kind, text, err)
				}
			}
		}
	}
	t.Logf("of %d each: refused %v", n, refused)
	if refused["Django"] > 3+n/100 {
		t.Errorf("%d of %d keys of Django are refused", refused["Django"], n)
	}
}

// Each code has words, and none that nobody uses.
func TestEveryCodeIsWorded(t *testing.T) {
	seen := map[intake.Code]bool{}
	for _, s := range samples(t) {
		seen[s.Refused] = true
	}
	for _, code := range intake.Codes() {
		r := &intake.Refusal{Code: code, Name: "N", Kind: "K", Members: []string{"M"}, Kids: []string{"kid"}, At: 1, Have: 2, Want: 3}
		if r.Error() == "" || r.Hint() == "" || strings.ContainsAny(r.Error()+r.Hint(), "{}") {
			t.Errorf("%s: %q, %q", code, r.Error(), r.Hint())
		}
		if elsewhere := []intake.Code{intake.OwnKeyset, intake.Unusable}; !seen[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("no source of the corpus is refused as %s", code)
		}
	}
}

func FuzzTake(f *testing.F) {
	for _, s := range samples(f) {
		if s.Passphrase == nil { // which take long, as they are meant to
			f.Add(s.Text, s.Field, s.Signs, string(s.Algorithm), s.AsIs)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, field, signs, algorithm string, asIs bool) {
		got, err := intake.Take(intake.Source{Text: text}, intake.Ask{
			Field: field, Signs: signs, AsIs: asIs, Spec: keygen.Spec{Algorithm: keyset.Algorithm(algorithm)},
			Passphrase: func() (secret.Text, error) { return secret.New([]byte("correct horse")), nil },
		})
		var r *intake.Refusal
		switch {
		case err == nil && (len(got.Keys) == 0 || !got.Keys[0].Private()):
			t.Error("it took nothing that signs")
		case err != nil && (!errors.As(err, &r) || r.Hint() == ""):
			t.Errorf("%v has no cure", err)
		}
		for _, m := range intake.Members(intake.Source{Text: text}) {
			if m.Kind == "" {
				t.Error("a member of no kind")
			}
		}
	})
}
