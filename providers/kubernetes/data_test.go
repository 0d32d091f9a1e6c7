package kubernetes

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const documentText = `{"current":"c","keys":[{"kid":"1"}],"next":"n","previous":"p\n","schema":"rotate/keyset/v1"}`

// What a value looks like in a Secret, and that it comes back as it was.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		value string
		keys  []string
	}{
		{documentText, []string{"keyset", "current", "next", "previous"}},
		{"a text", []string{"value"}},
		{`{"keys":[]}`, []string{"value"}},                                                  // a JWK Set for everyone
		{`{"current":"c","keys":[],"next":"","previous":"p"}`, []string{"value"}},           // no keyset: an empty next
		{`{"current":"c","keys":[],"next":7,"previous":"p"}`, []string{"value"}},            // nor this
		{"A=x\nA_NEXT=y\nA_PREVIOUS=z\n", []string{"A", "A_NEXT", "A_PREVIOUS"}},            // envFrom
		{"B=x\nA='two words'\nC=\"it's\\nlines\"\n", []string{"B", "A", "C"}},               // order and quotes come back
		{"A=x", []string{"value"}},                                                          // no file of lines
		{"A='x'\n", []string{"value"}},                                                      // quoted without need: would come back otherwise
		{"A=x\nA=y\n", []string{"value"}},                                                   // a name twice
		{"A=x\n\n", []string{"value"}},                                                      // an empty line
		{"value=x\n", []string{"value"}},                                                    // a name of rotate's own
		{"keyset=x\nB=y\n", []string{"value"}},                                              // likewise
		{"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", []string{"value"}}, // pem
		{"\xff\x00", []string{"value"}},
	} {
		data, keys := map[string][]byte{}, []string{}
		for _, e := range encode([]byte(c.value)) {
			data[e.key], keys = e.value, append(keys, e.key)
		}
		if !slices.Equal(keys, c.keys) {
			t.Errorf("%q lies in %v, want %v", c.value, keys, c.keys)
		}
		if got, err := decode(data, keys); err != nil || string(got) != c.value {
			t.Errorf("%q comes back as %q (%v)", c.value, got, err)
		}
	}
}

// Every format of every algorithm, as rotate renders it: comes back as it was,
// and env is variables.
func TestLayoutOfEachFormat(t *testing.T) {
	for _, algorithm := range []keyset.Algorithm{keyset.HS256, keyset.HS512, keyset.ES256, keyset.EdDSA} {
		s := made(t, algorithm)
		for _, f := range format.All() {
			text, err := f.Render(s, format.Options{})
			if err != nil {
				continue // such as jwks of a symmetric key
			}
			data, keys := map[string][]byte{}, []string{}
			for _, e := range encode(text.Reveal()) {
				data[e.key], keys = e.value, append(keys, e.key)
			}
			if got, err := decode(data, keys); err != nil || string(got) != string(text.Reveal()) {
				t.Errorf("%v %v does not come back (%v)", algorithm, f, err)
			}
			want := map[format.Format]int{format.Keyset: 4, format.Env: 3}[f]
			if want != 0 && len(keys) != want {
				t.Errorf("%v %v lies in %v", algorithm, f, keys)
			}
			if f == format.Env && string(data["JWT_SECRET"]) != string(s.Signing().Text().Reveal()) {
				t.Errorf("%v: JWT_SECRET is not the key's text", algorithm)
			}
		}
	}
}

func made(t *testing.T, algorithm keyset.Algorithm) *keyset.Set {
	t.Helper()
	k, err := keygen.Spec{Algorithm: algorithm}.New()
	must(t, err)
	s, err := keyset.Create("auth-jwt", "test", "l", k, time.Now())
	must(t, err)
	s, _, err = s.Encode("", "w")
	must(t, err)
	return s
}

// Data that somebody edited is not taken for what rotate wrote.
func TestEditedDataReadsAsItLooks(t *testing.T) {
	data := map[string][]byte{}
	for _, e := range encode([]byte(documentText)) {
		data[e.key] = e.value
	}
	own := []string{"keyset", "current", "next", "previous"}
	for what, edit := range map[string]func(map[string][]byte){
		"a copy is changed":   func(d map[string][]byte) { d["current"] = []byte("other") },
		"a copy is gone":      func(d map[string][]byte) { delete(d, "previous") },
		"all copies are gone": func(d map[string][]byte) { delete(d, "previous"); delete(d, "next"); delete(d, "current") },
		"the document is":     func(d map[string][]byte) { delete(d, "keyset") },
		"it is another": func(d map[string][]byte) {
			d["keyset"] = []byte(`{"current":"x","keys":[],"next":"n","previous":"p\n"}`)
		},
	} {
		edited := maps.Clone(data)
		edit(edited)
		if got, err := decode(edited, own); err != nil || document(got) != nil {
			t.Errorf("%s: reads as a document (%v)", what, err)
		}
	}
	data["DB_PASSWORD"] = []byte("of somebody else") // beside it, and not rotate's
	if got, err := decode(data, own); err != nil || string(got) != documentText {
		t.Errorf("another data key beside: %q (%v)", got, err)
	}
	for _, none := range []map[string][]byte{nil, {"DB_PASSWORD": []byte("x")}} {
		if _, err := decode(none, own); err == nil {
			t.Errorf("lost data reads as something")
		}
	}
}

func FuzzLayout(f *testing.F) {
	for _, seed := range []string{documentText, "A=x\nB='y z'\n", "text", "A=\"a\\nb'\"\n", "A=\"\\\\n'\"\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if len(v) == 0 {
			return
		}
		data, keys := map[string][]byte{}, []string{}
		for _, e := range encode(v) {
			if len(e.value) == 0 && e.key != textKey {
				t.Errorf("%q has the empty data key %s", v, e.key)
			}
			data[e.key], keys = e.value, append(keys, e.key)
		}
		if got, err := decode(data, keys); err != nil || string(got) != string(v) {
			t.Errorf("%q comes back as %q (%v)", v, got, err)
		}
	})
}
