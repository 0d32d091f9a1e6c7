package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/internal/intake"
)

const drawn = "q9vKzR3mX7pLw2TnYc8sBd4fHj6gVa1eUo5iQxZk0Ma"

// refused holds that a text is not taken in, and that the refusal has a cure. --as-is
// takes it, but for a zero byte, which is in no text.
func refused(t interface {
	Helper()
	Errorf(string, ...any)
}, what, text string) {
	t.Helper()
	var r *intake.Refusal
	if _, err := intake.Take(intake.Source{Text: []byte(text)}, intake.Ask{}); !errors.As(err, &r) || r.Hint() == "" {
		t.Errorf("%s is not refused with a cure: %v", what, err)
	}
	if strings.Contains(text, "\x00") {
		return
	}
	if got, err := intake.Take(intake.Source{Text: []byte(text)}, intake.Ask{AsIs: true}); err != nil || string(got.Keys[0].Text().Reveal()) != text {
		t.Errorf("%s: --as-is does not take the bytes as they stand: %v", what, err)
	}
}

// The kind of failure 34: a document is never the key, whatever its members are.
func TestNoDocumentIsTakenWhole(t *testing.T) {
	text := rapid.StringMatching(`[A-Za-z0-9_./+=-]{0,40}`)
	value := rapid.OneOf(
		rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Int(), func(n int) any { return n }), rapid.Just[any](nil), rapid.Just[any](true),
		rapid.Map(rapid.MapOf(text, text), func(m map[string]string) any { return m }),
		rapid.Map(rapid.SliceOf(text), func(s []string) any { return s }),
	)
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOfN(rapid.StringMatching(`[A-Za-z_.-]{1,20}`), value, 1, 6).Draw(t, "members")
		delete(members, "kty") // which makes it a JWK
		if keys, ok := members["keys"].([]string); ok && len(keys) > 0 {
			delete(members, "keys")
		}
		var doc []byte
		var err error
		if rapid.Bool().Draw(t, "indented") {
			doc, err = json.MarshalIndent(members, "", "  ")
		} else {
			doc, err = json.Marshal(members)
		}
		if err != nil {
			t.Fatal(err)
		}
		refused(t, string(doc), string(doc))
		refused(t, "a list of it", "["+string(doc)+"]")
	})
}

// The kind of failure 35: a character that nobody sees, at either end or inside.
func TestUnseenCharactersAreRefused(t *testing.T) {
	tables := []*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Zs}
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, tables...) {
			continue
		}
		n++
		what := fmt.Sprintf("%U", r)
		refused(t, what+" before the text", string(r)+drawn)
		if r != ' ' { // of which sentences are made
			refused(t, what+" inside the text", drawn[:9]+string(r)+drawn[9:])
		}
		if r != '\n' { // which every editor puts there
			refused(t, what+" after the text", drawn+string(r))
		}
	}
	if n < 240 {
		t.Errorf("only %d characters were tried", n)
	}
}

// The kind of failure 35: what a tool writes around a text, or in its place.
func TestWrappedTextsAreRefused(t *testing.T) {
	for _, form := range []string{
		`"%s"`, `'%s'`, "`%s`", "\u201c%s\u201d", "JWT_SECRET=%s", "export JWT_SECRET=%s", "JWT_SECRET: %s", `JWT_SECRET="%s"`, "${%s}", "$(%s)", "{{ %s }}",
		"op://vault/item/%s", "vault:secret/data/app#%s", "ENC[%s]", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:%s", "projects/p/secrets/%s/versions/latest",
		"@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/%s)", "ref+vault://secret/%s", "%s\n%s",
	} {
		text := fmt.Sprintf(form, drawn)
		if form == "%s\n%s" {
			text = drawn + "\n" + drawn
		}
		refused(t, text, text)
	}
}
