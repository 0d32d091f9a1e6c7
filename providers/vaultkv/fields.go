package vaultkv

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/keyrotate/rotate/providers"
)

// How a value lies in the fields of a version:
//
//   - A JSON object in canonical form (sorted, compact), as documents are, has
//     its members as fields: vault kv get -field=current works.
//   - Other text is the field "value", which is what people use for one text.
//   - Bytes that are no UTF-8 are the field "value_base64".
//   - Beside it, "_rotate" holds the stamp.
//
// Reading goes by the fields alone, so that a secret which a person made reads
// as it looks. Vault parses numbers as float64 ([kv] pathDataRead), so what does
// not come back as the same bytes is stored as text: encode tries it.
const (
	textField  = "value"
	bytesField = "value_base64"
	stampField = "_rotate"
)

// encode makes the fields of a value.
func encode(v []byte) map[string]any {
	var doc map[string]any
	if json.Unmarshal(v, &doc) == nil && doc != nil && bytes.Equal(decode(doc), v) {
		return doc
	}
	if utf8.Valid(v) {
		return map[string]any{textField: string(v)}
	}
	return map[string]any{bytesField: base64.StdEncoding.EncodeToString(v)}
}

// decode is the value of fields.
func decode(fields map[string]any) []byte {
	doc := map[string]any{}
	for name, v := range fields {
		if name != stampField {
			doc[name] = v
		}
	}
	if len(doc) == 1 {
		if text, ok := doc[textField].(string); ok {
			return []byte(text)
		}
		if text, ok := doc[bytesField].(string); ok {
			if b, err := base64.StdEncoding.DecodeString(text); err == nil {
				return b
			}
		}
	}
	return canonical(doc)
}

// ReadFields implements providers.FieldReader. What rotate writes beside a value is
// no field of it, and bytes that it wrote in base64 are bytes again.
func (s *store) ReadFields(ctx context.Context, name string) (_ map[string]providers.Secret, err error) {
	defer s.dress(&err, "read", name)
	d, _, err := s.stored(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	return fieldsOf(d.Data), nil
}

func fieldsOf(data map[string]any) map[string]providers.Secret {
	fields := map[string]providers.Secret{}
	for name, v := range data {
		text, isText := v.(string)
		b, err := base64.StdEncoding.DecodeString(text)
		switch {
		case name == stampField:
		case isText && name == bytesField && err == nil:
			fields[name] = providers.NewSecret(b)
		case isText:
			fields[name] = providers.NewSecret([]byte(text))
		default:
			fields[name] = providers.NewSecret(canonical(v))
		}
	}
	return fields
}

// canonical is JSON sorted, compact and without HTML's escapes.
func canonical(doc any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(doc) // what was decoded from JSON can be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// A stamp is what rotate adds to the versions that it writes. Version is the
// number that it is written as: a copy, which a rollback, a backup or an edit
// by hand makes, has another one and so is told from the original.
type stamp struct {
	Version int  `json:"version"`
	Note    note `json:"note"`
	Newest  note `json:"newest"` // the witness
}

type note struct {
	Lineage    string `json:"lineage,omitempty"`
	Generation string `json:"generation,omitempty"` // text: a float64 holds 2^53
	Digest     string `json:"digest,omitempty"`
}

func noteOf(n providers.Note) note {
	if n == (providers.Note{}) {
		return note{}
	}
	return note{n.Lineage, strconv.FormatUint(n.Generation, 10), n.Digest}
}

func (n note) public() providers.Note {
	g, _ := strconv.ParseUint(n.Generation, 10, 64)
	return providers.Note{Lineage: n.Lineage, Generation: g, Digest: n.Digest}
}

// beside adds the stamp to fields.
func (s stamp) beside(fields map[string]any) map[string]any {
	fields[stampField] = s
	return fields
}

// stampOf is the stamp of a version, and whether it is that of this number.
func stampOf(fields map[string]any, number int) (s stamp, genuine bool) {
	text, err := json.Marshal(fields[stampField])
	if err != nil || json.Unmarshal(text, &s) != nil || s.Version != number {
		return stamp{}, false
	}
	return s, true
}
