package keyset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode"
)

// maxDepth bounds the nesting of a document; a keyset needs four levels.
const maxDepth = 16

// readTree reads one JSON value. encoding/json takes the last of two members
// of one name, and matches struct fields whatever their case; what signs tokens
// must not depend on either, so duplicates are refused and names are exact.
//
// A text that is its own canonical form has neither, and most are: rotate wrote
// them. Only others are taken apart token by token, which takes longer.
func readTree(data []byte) (map[string]any, error) {
	var tree map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&tree) == nil && depth(tree) <= maxDepth && bytes.Equal(canonical(tree), data) {
		return tree, nil
	}
	return readTokens(data)
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

// readTokens is readTree for a text in any form.
func readTokens(data []byte) (map[string]any, error) {
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

// members takes the known members out of a JSON object one by one, notes every
// mistake, and keeps the rest, so that members of a later version survive.
type members struct {
	path string
	m    map[string]any
	errs []error
}

func (m *members) fail(name, want string) {
	m.errs = append(m.errs, fmt.Errorf("%w: %s%s is not %s", ErrMalformed, m.path, name, want))
}

func (m *members) has(name string) bool { _, ok := m.m[name]; return ok }

func (m *members) take(name string) any {
	v := m.m[name]
	delete(m.m, name)
	return v
}

func (m *members) text(name string) string {
	s, ok := m.take(name).(string)
	if !ok || s == "" {
		m.fail(name, "a text")
	}
	return s
}

func (m *members) optText(name string) string {
	if !m.has(name) {
		return ""
	}
	return m.text(name)
}

// word is a text that can be printed without harm to a log or a terminal.
func (m *members) word(name string) string {
	s := m.text(name)
	if len(s) > maxWord || !printable(s) {
		m.fail(name, "a short printable text")
		return ""
	}
	return s
}

func (m *members) optWord(name string) string {
	if !m.has(name) {
		return ""
	}
	return m.word(name)
}

// kid is an id: a word that can stand in a message without quotes.
func (m *members) kid(name string) string {
	s := m.text(name)
	if !ValidKid(s) {
		m.fail(name, "an id: up to 256 printable ASCII characters without spaces")
		return ""
	}
	return s
}

// maxWord bounds ids and names.
const maxWord = 256

// ValidKid reports whether s can be a kid. RFC 7517 §4.5 allows any string;
// rotate prints kids and takes them as arguments.
func ValidKid(s string) bool {
	return s != "" && len(s) <= maxWord && s != FromNothing && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (m *members) binary(name string) []byte {
	b, err := b64.Strict().DecodeString(m.text(name))
	if err != nil {
		m.fail(name, "base64url without padding")
	}
	return b
}

func (m *members) integer(name string) *big.Int { return new(big.Int).SetBytes(m.binary(name)) }

// number reads a count or a time: a whole number from 0 to 2^53, beyond which
// JSON readers disagree (RFC 8259 §6).
func (m *members) number(name string) int64 {
	n, ok := m.take(name).(json.Number)
	i, err := n.Int64()
	if !ok || err != nil || i < 0 || i > 1<<53 {
		m.fail(name, "a whole number")
		return 0
	}
	return i
}

func (m *members) optNumber(name string) int64 {
	if !m.has(name) {
		return 0
	}
	return m.number(name)
}

func (m *members) flag(name string) bool {
	if !m.has(name) {
		return false
	}
	b, ok := m.take(name).(bool)
	if !ok {
		m.fail(name, "true or false")
	}
	return b
}

// someTime reads a time that has to be there.
func (m *members) someTime(name string) time.Time {
	if !m.has(name) {
		m.fail(name, "there")
	}
	return m.time(name)
}

// time reads a NumericDate (RFC 7519 §2) without a fraction; absent is zero.
func (m *members) time(name string) time.Time {
	if !m.has(name) {
		return time.Time{}
	}
	return time.Unix(m.number(name), 0).UTC()
}

func (m *members) optList(name string) []any {
	if !m.has(name) {
		return nil
	}
	list, ok := m.take(name).([]any)
	if !ok {
		m.fail(name, "a list")
	}
	return list
}

// line is a word that may be long, such as a path.
func (m *members) line(name string) string {
	s := m.text(name)
	if len(s) > 4*maxWord || !printable(s) {
		m.fail(name, "a printable text")
		return ""
	}
	return s
}

// words reads an optional list of words.
func (m *members) words(name string) (words []string) {
	for _, v := range m.optList(name) {
		o := &members{path: m.path, m: map[string]any{name: v}}
		words = append(words, o.word(name))
		m.errs = append(m.errs, o.errs...)
	}
	return words
}

// object reads v as an object with the mistakes counted here.
func (m *members) object(v any, path string, read func(*members)) {
	tree, ok := v.(map[string]any)
	if !ok {
		m.fail(path, "an object")
		return
	}
	o := &members{path: m.path + path + ".", m: tree}
	read(o)
	m.errs = append(m.errs, o.errs...)
}

// objects reads every element of an optional list of objects.
func (m *members) objects(name string, read func(*members)) {
	for i, v := range m.optList(name) {
		m.object(v, fmt.Sprintf("%s[%d]", name, i), read)
	}
}

// rest is what no one took; nil if nothing is left.
func (m *members) rest() map[string]any {
	if len(m.m) == 0 {
		return nil
	}
	return m.m
}
