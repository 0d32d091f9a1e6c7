package keyset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds the nesting of a document; a keyset needs four levels.
const maxDepth = 16

// decode reads a JSON object in one go, as encoding/json does: of two members
// of one name it takes the last. It returns nil if that cannot be done.
func decode(data []byte) (tree map[string]any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&tree) != nil || depth(tree) > maxDepth {
		return nil
	}
	return tree
}

// depth counts the levels of a tree below its top.
func depth(v any) int {
	deepest := -1
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	}
	return deepest + 1
}

// readTree reads one JSON object. encoding/json takes the last of two members
// of one name, and ignores the case of struct fields. What signs tokens must
// depend on neither, so readTree refuses duplicates, and names are exact.
func readTree(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrMalformed, describe(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrTrailing
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	return m, nil
}

// describe words a syntax error by its place: encoding/json's own text quotes
// the document.
func describe(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("not JSON at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	case errors.Is(err, errDuplicate), errors.Is(err, errDeep):
		return err.Error()
	}
	return "not JSON"
}

var (
	errDuplicate = errors.New("one object has two members of the same name")
	errDeep      = errors.New("nested too deeply")
)

func readValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			// guard 6: duplicate members are refused
			if _, twice := m[name.(string)]; twice { // the decoder admits only strings here
				return nil, errDuplicate
			}
			if m[name.(string)], err = readValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}
