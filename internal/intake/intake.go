// Package intake takes in what applications sign with today: a text, a key in
// PEM, a JWK, a JWK Set or a JSON list of texts, from wherever it lies.
//
// It understands what it can be sure of and refuses the rest. A refusal is a
// *Refusal: a code and data, never a part of a secret. words.go has what is said
// about each, and the cure.
//
// The package reads no file and no store, writes nothing, and asks only for a
// passphrase. It is safe for concurrent use.
package intake

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// The limits of what is taken in.
const (
	// MaxSource is more than any store holds for one secret, Vault's 1 MiB apart.
	MaxSource = 1 << 20
	// maxText is the longest text or PEM of one key, in bytes. The PEM of an RSA
	// key of 4096 bits has 3.2 KB.
	maxText = 4096
	maxKid  = 128
)

// A Source is what was read: one text, or the named fields of a secret.
type Source struct {
	Text []byte
	// Fields is the fields of a Vault secret, or the data keys of a Kubernetes
	// Secret; nil where the source is one text. A field that is no text in Vault
	// is its JSON.
	Fields map[string][]byte
}

// An Ask is what was selected, and what the config says of the key.
type Ask struct {
	Field string // of the source; members of members after dots. "" is all of it
	Signs string // the kid that signs, of a set with several that can
	Kid   string // that tokens carry today; "" if they carry none
	AsIs  bool   // take the text as it stands, whatever it looks like

	// Spec is the key's part of the config. Its Algorithm is "" where neither the
	// config nor a flag names one: then what the source says counts.
	Spec keygen.Spec
	// Passphrase is asked for at most once, and only where a key is encrypted. It
	// may be nil, where there is no one to ask.
	Passphrase func() (secret.Text, error)
	// Taken names the other key of the config whose live pairs have this kid; ""
	// if none has. It may be nil.
	Taken func(kid string) string
}

// A Result is what was understood.
type Result struct {
	// Keys has the key that signs first. The others become previous, in the
	// source's order, and hold no private half. keyset.Adopt takes them as they are.
	Keys  []keyset.Key
	Notes []Note
	// Made is the kids that were drawn, for keys of which the source names none.
	// Another Take draws others.
	Made []string
	// Short is the RSA keys that are too short to stay: the signing one is to be
	// replaced at once.
	Short []Note
}

// Take understands a source. The error is a *Refusal, or what Passphrase
// returned.
func Take(src Source, ask Ask) (Result, error) {
	if len(ask.Kid) > maxKid || ask.Kid != "" && !keyset.ValidKid(ask.Kid) {
		return Result{}, &Refusal{Code: BadKid}
	}
	t := &taker{ask: ask}
	text, err := t.choose(src)
	if err == nil {
		err = t.take(text)
	}
	if err == nil {
		err = t.finish()
	}
	if err != nil {
		return Result{}, err
	}
	return t.Result, nil
}

// A taker is one Take on its way.
type taker struct {
	Result
	ask Ask
}

// take understands a text that was chosen.
func (t *taker) take(text []byte) error {
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0:
		return &Refusal{Code: Empty}
	case t.ask.AsIs:
		return t.takeText(text)
	}
	if set, err := keyset.Parse(trimmed); err == nil {
		return &Refusal{Code: OwnKeyset, Name: set.Name}
	}
	if err := encoded(text); err != nil {
		return err
	}
	switch {
	case looksJSON(trimmed): // a PEM may stand in it
		return t.takeJSON(trimmed)
	case isPEM(trimmed):
		return t.takePEM(trimmed)
	}
	value, err := t.plainText(text)
	if err != nil {
		return err
	}
	return t.takeText(value)
}

// takeText takes a text for the secret that it is.
func (t *taker) takeText(text []byte) error {
	k, err := t.textKey(text, t.ask.Kid)
	if err != nil {
		return err
	}
	if t.ask.Signs != "" {
		return &Refusal{Code: NoSuchSigner, Kids: []string{k.Kid}}
	}
	t.Keys = append(t.Keys, k)
	return nil
}

// finish holds the keys together against the limits and the config.
func (t *taker) finish() error {
	if err := t.oneAlgorithm(); err != nil {
		return err
	}
	if t.ask.Taken != nil {
		for _, k := range t.Keys {
			if k.Alg.Symmetric() {
				continue // which no JWK Set of several keys shows
			}
			if other := t.ask.Taken(k.Kid); other != "" {
				return &Refusal{Code: KidTaken, Kids: []string{k.Kid}, Name: other}
			}
		}
	}
	set, err := keyset.Adopt("name", "environment", "lineage", t.Keys, time.Unix(1, 0), time.Time{})
	if err == nil {
		_, _, err = set.Encode("", "write")
	}
	switch {
	case errors.Is(err, keyset.ErrDuplicateKid):
		return &Refusal{Code: KidTwice, Kids: twice(t.Keys)}
	case errors.Is(err, keyset.ErrTooManyKeys):
		return &Refusal{Code: TooMany, Have: len(t.Keys), Want: keyset.MaxLive}
	case errors.Is(err, keyset.ErrTooLarge):
		return &Refusal{Code: TooLarge, Want: keyset.MaxBytes}
	case err != nil:
		return &Refusal{Code: Unusable}
	}
	if !set.HasRoom() {
		t.note(Note{Code: NoRoom, N: len(t.Keys)})
	}
	t.Keys = set.Keys // without private halves, where they only verify
	return nil
}

// oneAlgorithm refuses keys of several algorithms, or of another one than the
// config's.
func (t *taker) oneAlgorithm() error {
	var all []string
	for _, k := range t.Keys {
		if alg := string(k.Alg); !slices.Contains(all, alg) {
			all = append(all, alg)
		}
	}
	want := string(t.ask.Spec.Algorithm)
	switch {
	case len(all) > 1:
		return &Refusal{Code: Mixed, Members: all}
	case want != "" && all[0] != want:
		return &Refusal{Code: OtherAlgorithm, Name: all[0], Members: []string{want}}
	}
	return nil
}

func twice(keys []keyset.Key) (kids []string) {
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.Kid] && !slices.Contains(kids, k.Kid) {
			kids = append(kids, k.Kid)
		}
		seen[k.Kid] = true
	}
	return kids
}

// drawnKid is a fresh kid for a key that has none.
func (t *taker) drawnKid() string {
	kid := keygen.RandomKid()
	t.Made = append(t.Made, kid)
	return kid
}

func (t *taker) note(n Note) { t.Notes = append(t.Notes, n) }
