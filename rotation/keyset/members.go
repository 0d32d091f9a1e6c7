package keyset

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
)

// members takes the known members out of a JSON object one by one and notes
// every mistake. It keeps the rest, so that members of a later version survive.
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

// count is a number of generations.
func (m *members) count(name string) uint64 { return uint64(m.number(name)) } // #nosec G115 -- number is never negative

func (m *members) optCount(name string) uint64 {
	if !m.has(name) {
		return 0
	}
	return m.count(name)
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

// rest is what nobody took; nil if nothing is left.
func (m *members) rest() map[string]any {
	if len(m.m) == 0 {
		return nil
	}
	return m.m
}
