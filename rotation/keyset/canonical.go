package keyset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// canonical renders a tree with sorted members, compact. There is only one
// rendering, whatever white space the text had: that of encoding/json without
// its escapes for HTML. It is written out here because every Parse and Encode
// renders the document several times.
func canonical(tree map[string]any) []byte {
	return appendObject(make([]byte, 0, 4<<10), tree)
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case nil:
		return append(b, "null"...)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case []any:
		return appendList(b, v)
	case []string:
		return appendList(b, v)
	case map[string]any:
		return appendObject(b, v)
	}
	// Trees hold only what readTree made or Encode put there.
	panic(fmt.Sprintf("keyset: a tree with a %T", v))
}

func appendList[T any](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v)
	}
	return append(b, ']')
}

func appendObject(b []byte, m map[string]any) []byte {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendValue(b, m[name])
	}
	return append(b, '}')
}

// appendString leaves to encoding/json what has to be escaped.
func appendString(b []byte, s string) []byte {
	if !strings.ContainsFunc(s, escaped) {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("keyset: a text that does not encode") // not reached: every string does
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

func escaped(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
