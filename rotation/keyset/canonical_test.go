package keyset

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// The canonical form is that of encoding/json, for any tree.
func TestCanonicalIsThatOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := trees(3).Draw(t, "tree").(map[string]any)
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(tree); err != nil {
			t.Fatal(err)
		}
		if got := canonical(tree); !bytes.Equal(got, bytes.TrimSuffix(want.Bytes(), []byte("\n"))) {
			t.Fatalf("%s\nwant %s", got, want.Bytes())
		}
	})
}

// Where a text is its own canonical form, both ways of reading it agree; where
// one member stands twice, it is not.
func TestBothWaysOfReadingAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := canonical(trees(3).Draw(t, "tree").(map[string]any))
		if rapid.Bool().Draw(t, "broken") {
			at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
			data[at] = rapid.Byte().Draw(t, "byte")
		}
		fast := decode(data)
		if fast == nil || !bytes.Equal(canonical(fast), data) {
			return // left to the other way
		}
		slow, err := readTree(data)
		if err != nil || !bytes.Equal(canonical(slow), data) {
			t.Fatalf("%s: %v, %v", data, slow, err)
		}
	})
}

func TestDepthIsBoundedEitherWay(t *testing.T) {
	for _, c := range []struct {
		levels int
		ok     bool
	}{{maxDepth, true}, {maxDepth + 1, false}} {
		objects, lists := any("x"), any("x")
		for range c.levels {
			objects = map[string]any{"a": objects}
		}
		for range c.levels - 1 {
			lists = []any{lists}
		}
		for _, tree := range []any{objects, map[string]any{"a": lists}} {
			data := canonical(tree.(map[string]any))
			_, err := readTree(data)
			if (decode(data) != nil) != c.ok || (err == nil) != c.ok {
				t.Errorf("%d levels: %v, %v", c.levels, decode(data), err)
			}
		}
	}
}

// trees draws an object of every kind of value that a document may hold.
func trees(levels int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]string{"<&>", "a\"b\\c", "\u2028\x00\x7f", "ü"}), func(s string) any { return s }),
		rapid.Map(rapid.Int64Range(0, 1<<53), func(n int64) any { return n }),
		rapid.Map(rapid.Uint64(), func(n uint64) any { return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](nil),
		rapid.Just[any](json.Number("12")),
		rapid.Map(rapid.SliceOfN(rapid.String(), 0, 3), func(s []string) any { return append([]string{}, s...) }),
	)
	value := leaf
	if levels > 0 {
		inner := rapid.Deferred(func() *rapid.Generator[any] { return trees(levels - 1) })
		list := rapid.Map(rapid.SliceOfN(leaf, 0, 3), func(l []any) any { return append([]any{}, l...) })
		value = rapid.OneOf(leaf, inner, list)
	}
	return rapid.Map(rapid.MapOfN(rapid.String(), value, 0, 4), func(m map[string]any) any { return m })
}

// Texts of one kind of character each, so that nothing else in them has them
// escaped.
func TestEachCharacterIsEscapedAlone(t *testing.T) {
	for text, want := range map[string]string{
		`"`: `"\""`, `""`: `"\"\""`, `\`: `"\\"`, "\n": `"\n"`, "\x1f": `"\u001f"`, "\u2028": `"\u2028"`,
		"é": `"é"`, "~": `"~"`, " ": `" "`, "<>&": `"<>&"`, "a": `"a"`, "": `""`,
	} {
		if got := string(canonical(map[string]any{"a": text})); got != `{"a":`+want+`}` {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
	}
}
