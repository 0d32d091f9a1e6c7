package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// A node is a JSON value with the order of its members kept. encoding/json
// would take the last of two members of one name, as most readers do, and say
// nothing.
type node struct {
	kind    kind
	text    string // of a string, or the JSON of a number or a literal
	names   []string
	members []node // of an object, in the order of names; or the elements of an array
	raw     []byte // the JSON of it
}

type kind string

const (
	anObject kind = "object"
	aList    kind = "list"
	aText    kind = "text"
	aNumber  kind = "number"
	aBoolean kind = "true or false"
	aNull    kind = "null"
)

// A doubled is an object that has one member twice.
type doubled struct{ name string }

func (d *doubled) Error() string { return "a member twice" }

var errNotJSON = errors.New("not JSON")

// parseJSON reads one JSON value and nothing after it.
func parseJSON(data []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n, err := readNode(d, data)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, errNotJSON
	}
	return n, nil
}

// readNode reads the value that comes next.
func readNode(d *json.Decoder, data []byte) (n node, err error) {
	token, err := d.Token()
	if err != nil {
		return node{}, errNotJSON
	}
	start := d.InputOffset()
	switch v := token.(type) {
	case string:
		return node{kind: aText, text: v}, nil
	case json.Number:
		return node{kind: aNumber, text: v.String()}, nil
	case bool:
		return node{kind: aBoolean}, nil
	case nil:
		return node{kind: aNull}, nil
	}
	n.kind = aList
	if token == json.Delim('{') {
		n.kind = anObject
	}
	for d.More() {
		if n.kind == anObject {
			name, err := d.Token()
			if err != nil {
				return node{}, errNotJSON
			}
			if slices.Contains(n.names, name.(string)) {
				return node{}, &doubled{name.(string)}
			}
			n.names = append(n.names, name.(string))
		}
		member, err := readNode(d, data)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member)
	}
	if _, err := d.Token(); err != nil {
		return node{}, errNotJSON
	}
	n.raw = data[start-1 : d.InputOffset()]
	return n, nil
}

// member is the one of this name.
func (n node) member(name string) (node, bool) {
	i := slices.Index(n.names, name)
	if i < 0 {
		return node{}, false
	}
	return n.members[i], true
}

// textOf is the text of a member, "" if it is none.
func (n node) textOf(name string) string {
	m, _ := n.member(name)
	if m.kind != aText {
		return ""
	}
	return m.text
}

// value is what is taken where this node was chosen: a text itself, else JSON.
func (n node) value() []byte {
	if n.kind == anObject || n.kind == aList {
		return n.raw
	}
	return []byte(n.text)
}
