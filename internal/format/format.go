// Package format renders a keyset in the forms that applications read, for
// `rotate get --format` and for outputs.
//
//	value     the current key's text and nothing else
//	env       three lines: JWT_SECRET, JWT_SECRET_NEXT, JWT_SECRET_PREVIOUS
//	list      a JSON array of all keys' texts; the first signs, all verify
//	jwks      the public keys as a JWK Set, for anyone
//	pem       the public keys as PEM, for anyone
//	keyset    the document without rotate's own bookkeeping
//	template  what a Go template makes of the keys (Template)
//
// The text of a symmetric key is what its JWT library takes. That of an
// asymmetric key is its PKCS #8 PEM while it signs, its public PEM otherwise.
// Every rendering is a function of the document: the same generation gives the
// same bytes.
package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// A Format is the name of a rendering.
type Format string

// The formats, as the package comment describes them.
const (
	Value     Format = "value"
	Env       Format = "env"
	List      Format = "list"
	JWKS      Format = "jwks"
	PEM       Format = "pem"
	Keyset    Format = "keyset"
	Templated Format = "template"
)

// All lists every Format that needs no more than its name.
func All() []Format { return []Format{Value, Env, List, JWKS, PEM, Keyset} }

// Parse takes a format's name.
func Parse(s string) (Format, error) {
	if f := Format(s); slices.Contains(All(), f) {
		return f, nil
	}
	return "", fmt.Errorf("unknown format %q; known are %v", s, All())
}

// Carries reports whether a reader of the format learns of the next key before it
// signs, and of previous keys while they verify. An output that carries the next
// key has to be seen before it is promoted. Of a template it is found by rendering
// it without those keys.
func (f Format) Carries(o Options) (next, previous bool) {
	if f == Templated && o.Template != nil {
		return o.Template.next, o.Template.previous
	}
	return f != Value, f != Value
}

// ErrNoPublic is the answer to jwks and pem where no key has a public half.
var ErrNoPublic = errors.New("the keys are symmetric and have no public half: whoever verifies with them can also sign, so they are not for publishing. Give verifiers the format keyset, list or env, or rotate to an asymmetric algorithm such as ES256")

// Render writes the set in the format f. Only env and template heed the options.
func (f Format) Render(s *keyset.Set, o Options) (secret.Text, error) {
	switch f {
	case Value:
		return s.Signing().Text(), nil
	case Env:
		return renderEnv(s, o)
	case List:
		return renderList(s)
	case JWKS:
		return renderJWKS(s)
	case PEM:
		return renderPEM(s)
	case Keyset:
		return s.Projection()
	case Templated:
		if o.Template == nil {
			return secret.Text{}, errors.New("the format template needs the text of a template")
		}
		return o.Template.Render(s)
	}
	_, err := Parse(string(f))
	return secret.Text{}, err
}

// renderList writes a JSON array: the one notation of lists that texts with
// commas, quotes and line ends survive, and that frameworks parse out of a
// variable: Flask's from_prefixed_env for SECRET_KEY_FALLBACKS, JSON.parse for
// the keys of Express' cookie-session and the secrets of Auth.js (NextAuth 5).
func renderList(s *keyset.Set) (secret.Text, error) {
	var texts []string
	for _, k := range s.Keys {
		texts = append(texts, string(k.Text().Reveal()))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(texts); err != nil {
		return secret.Text{}, errors.New("the keys cannot be written as JSON")
	}
	return secret.New(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

func renderJWKS(s *keyset.Set) (secret.Text, error) {
	if !slices.ContainsFunc(s.Keys, hasPublic) {
		return secret.Text{}, ErrNoPublic
	}
	return secret.New(s.PublicJWKs()), nil
}

// renderPEM writes the public halves only, current first: it is for verifiers,
// which are not to hold what signs. The signer's PEM is the format value.
func renderPEM(s *keyset.Set) (secret.Text, error) {
	var b bytes.Buffer
	for _, k := range s.Keys {
		b.Write(k.PublicPEM())
	}
	if b.Len() == 0 {
		return secret.Text{}, ErrNoPublic
	}
	return secret.New(b.Bytes()), nil
}

func hasPublic(k keyset.Key) bool { return !k.Alg.Symmetric() }
