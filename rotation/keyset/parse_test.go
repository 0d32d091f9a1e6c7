package keyset_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// Promise 6: what is not exactly a keyset is not worked with.
func TestPromise6RefusesEachMistakeByName(t *testing.T) {
	good := encode(t, full(t))
	private := func() any {
		var tree map[string]any
		_ = json.Unmarshal(encode(t, create(t, asymmetric(t, keyset.ES256))), &tree)
		return keyAt(tree, 0)["d"]
	}()
	cases := []struct {
		name   string
		want   error
		change func(m map[string]any)
	}{
		{"unknown schema", keyset.ErrSchema, func(m map[string]any) { m["schema"] = "rotate/keyset/v2" }},
		{"no schema", keyset.ErrSchema, func(m map[string]any) { delete(m, "schema") }},
		{"two current", keyset.ErrTwoCurrent, func(m map[string]any) { keyAt(m, 1)["status"] = "current"; keyAt(m, 1)["nbf"] = keyAt(m, 0)["nbf"] }},
		{"no current", keyset.ErrNoCurrent, func(m map[string]any) { keyAt(m, 0)["status"] = "previous" }},
		{"no keys", keyset.ErrNoCurrent, func(m map[string]any) { m["keys"] = []any{} }},
		{"two next", keyset.ErrTwoNext, func(m map[string]any) { keyAt(m, 2)["status"] = "next" }},
		{"same kid", keyset.ErrDuplicateKid, func(m map[string]any) { keyAt(m, 2)["kid"] = "c" }},
		{"revoked kid", keyset.ErrRevoked, func(m map[string]any) { m["revoked"] = []any{"b"} }},
		{"nbf before iat", keyset.ErrDates, func(m map[string]any) { keyAt(m, 0)["nbf"] = 1 }},
		{"exp before nbf", keyset.ErrDates, func(m map[string]any) { keyAt(m, 2)["exp"] = 1 }},
		{"exp on current", keyset.ErrDates, func(m map[string]any) { keyAt(m, 0)["exp"] = 1 << 40 }},
		{"nbf on next", keyset.ErrDates, func(m map[string]any) { keyAt(m, 1)["nbf"] = keyAt(m, 1)["iat"] }},
		{"no iat", keyset.ErrDates, func(m map[string]any) { delete(keyAt(m, 0), "iat") }},
		{"previous out of order", keyset.ErrDates, func(m map[string]any) {
			list := m["keys"].([]any)
			list[2], list[3] = list[3], list[2]
		}},
		{"short key", keyset.ErrShortKey, func(m map[string]any) { keyAt(m, 3)["k"] = b64("short") }},
		{"short for its hash", keyset.ErrShortKey, func(m map[string]any) {
			keyAt(m, 3)["alg"] = "HS512"
			keyAt(m, 3)["k"] = b64(strings.Repeat("x", 63))
		}},
		{"private half of previous", keyset.ErrPrivate, func(m map[string]any) {
			var es map[string]any
			_ = json.Unmarshal(encode(t, create(t, asymmetric(t, keyset.ES256))), &es)
			k := keyAt(es, 0)
			k["status"], k["nbf"], k["d"] = "previous", keyAt(m, 3)["nbf"], private
			m["keys"].([]any)[3] = k
		}},
		{"stray private member", keyset.ErrPrivate, func(m map[string]any) { keyAt(m, 0)["p"] = "AQAB" }},
		{"a zero where nothing belongs", keyset.ErrMalformed, func(m map[string]any) { m["dropped"] = 0 }},
		{"kid with a line break", keyset.ErrMalformed, func(m map[string]any) { keyAt(m, 3)["kid"] = "a\nb" }},
		{"mark without a time", keyset.ErrMalformed, func(m map[string]any) { delete(m["settled"].(map[string]any), "at") }},
		{"current without private half", keyset.ErrBadKey, func(m map[string]any) {
			var es map[string]any
			_ = json.Unmarshal(encode(t, create(t, asymmetric(t, keyset.ES256))), &es)
			k := keyAt(es, 0)
			delete(k, "d")
			k["nbf"] = keyAt(m, 0)["nbf"]
			m["keys"].([]any)[0] = k
		}},
		{"current text differs", keyset.ErrTextMismatch, func(m map[string]any) { m["current"] = m["next"] }},
		{"previous text differs", keyset.ErrTextMismatch, func(m map[string]any) { m["previous"] = m["current"] }},
		{"unknown algorithm", keyset.ErrUnknownFormat, func(m map[string]any) { keyAt(m, 0)["alg"] = "none" }},
		{"algorithm of another key type", keyset.ErrBadKey, func(m map[string]any) { keyAt(m, 0)["alg"] = "RS256" }},
		{"for encryption", keyset.ErrBadKey, func(m map[string]any) { keyAt(m, 0)["use"] = "enc" }},
		{"unknown status", keyset.ErrMalformed, func(m map[string]any) { keyAt(m, 0)["status"] = "active" }},
		{"generation zero", keyset.ErrMalformed, func(m map[string]any) { m["generation"] = 0 }},
		{"generation of text", keyset.ErrMalformed, func(m map[string]any) { m["generation"] = "12" }},
		{"fraction of a second", keyset.ErrMalformed, func(m map[string]any) { keyAt(m, 0)["nbf"] = 1.5 }},
		{"empty name", keyset.ErrMalformed, func(m map[string]any) { m["name"] = "" }},
		{"padded base64", keyset.ErrMalformed, func(m map[string]any) { keyAt(m, 0)["k"] = "YQ==" }},
		{"keys is an object", keyset.ErrMalformed, func(m map[string]any) { m["keys"] = map[string]any{} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			edited := edit(t, good, c.change)
			if _, err := keyset.Parse(reseal(t, edited)); !errors.Is(err, c.want) {
				t.Errorf("sealed: got %v, want %v", err, c.want)
			}
			// Edited by hand: the digest shows it besides, unless the schema is
			// unknown, where no one can tell what the digest is over.
			if _, err := keyset.Parse(edited); !errors.Is(err, keyset.ErrDigest) && !errors.Is(err, keyset.ErrSchema) {
				t.Errorf("edited by hand: got %v, want %v", err, keyset.ErrDigest)
			}
		})
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestPromise6RefusesWhatIsNoDocument(t *testing.T) {
	good := encode(t, full(t))
	cases := map[string]struct {
		doc  []byte
		want error
	}{
		"empty":            {nil, keyset.ErrMalformed},
		"not JSON":         {[]byte("<html>"), keyset.ErrMalformed},
		"a list":           {[]byte("[]"), keyset.ErrMalformed},
		"trailing text":    {append(bytes.Clone(good), "x"...), keyset.ErrTrailing},
		"two documents":    {append(bytes.Clone(good), good...), keyset.ErrTrailing},
		"too large":        {append(bytes.Clone(good), bytes.Repeat([]byte(" "), keyset.MaxBytes)...), keyset.ErrTooLarge},
		"invalid UTF-8":    {bytes.Replace(good, []byte("auth"), []byte("\xff\xfeth"), 1), keyset.ErrUTF8},
		"a duplicate name": {bytes.Replace(good, []byte(`"generation":`), []byte(`"generation":1,"generation":`), 1), keyset.ErrMalformed},
		"deep":             {[]byte(strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)), keyset.ErrMalformed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := keyset.Parse(c.doc); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A torn file is never taken for a document, wherever it was cut.
func TestPromise6TornAtEachByte(t *testing.T) {
	doc := encode(t, full(t))
	for n := range doc {
		if _, err := keyset.Parse(doc[:n]); err == nil {
			t.Fatalf("cut after %d of %d bytes it was accepted", n, len(doc))
		}
	}
}

// Any single changed byte shows.
func TestPromise6ChangedAtEachByte(t *testing.T) {
	doc := encode(t, full(t))
	for i := range doc {
		bad := bytes.Clone(doc)
		bad[i] ^= 1
		if _, err := keyset.Parse(bad); err == nil {
			t.Fatalf("changed at byte %d it was accepted", i)
		}
	}
}

// Promise 7: an error about a document does not quote it.
func TestPromise7ErrorsHoldNoMaterial(t *testing.T) {
	doc := encode(t, full(t))
	for i := range doc {
		for _, bad := range [][]byte{doc[:i], bytes.Replace(doc, doc[i:i+1], []byte("\""), 1)} {
			if _, err := keyset.Parse(bad); err != nil && strings.Contains(err.Error(), "test-key") {
				t.Fatalf("material in %q", err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, create(f, symmetric(f, "a"))))
	f.Add(encode(f, full(f)))
	f.Add(encode(f, create(f, asymmetric(f, keyset.ES256))))
	f.Add(encode(f, create(f, asymmetric(f, keyset.RS256))))
	f.Add(encode(f, create(f, asymmetric(f, keyset.Ed25519))))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if json.Valid(doc) && bytes.HasPrefix(bytes.TrimSpace(doc), []byte("{")) {
			doc = reseal(t, doc) // else no mutation would get past the digest
		}
		s, err := keyset.Parse(doc)
		if err != nil {
			return
		}
		// What is accepted can be written again and stays the same document.
		again, text, err := s.Encode(s.Parent, s.Write)
		if err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
		if again.Digest != s.Digest {
			t.Errorf("the digest changed from %s to %s:\n%s\n%s", s.Digest, again.Digest, doc, text.Reveal())
		}
	})
}
