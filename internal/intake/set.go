package intake

import (
	"bytes"
	"errors"
	"slices"

	"github.com/keyrotate/rotate/rotation/keyset"
)

func isJWK(n node) bool { return n.kind == anObject && n.textOf("kty") != "" }

// isSet reports whether it is a JWK Set (RFC 7517 §5), or the list of JWKs that
// some programs write without the object around it.
func isSet(n node) bool {
	keys, ok := n, n.kind == aList
	if n.kind == anObject {
		keys, ok = n.member("keys")
	}
	return ok && keys.kind == aList && len(keys.members) > 0 && !slices.ContainsFunc(keys.members, func(k node) bool { return !isJWK(k) })
}

func looksJSON(text []byte) bool { return text[0] == '{' || text[0] == '[' }

// takeJSON takes a document whose structure says what it is. Any other one is
// refused with the names of its members.
func (t *taker) takeJSON(data []byte) error {
	n, err := parseJSON(data)
	if d := (*doubled)(nil); errors.As(err, &d) {
		return &Refusal{Code: MemberTwice, Name: d.name}
	}
	switch {
	case err != nil: // a text that begins like JSON
		value, err := t.plainText(data)
		if err != nil {
			return err
		}
		return t.takeText(value)
	case isJWK(n):
		return t.takeSet([]node{n})
	case isSet(n) && n.kind == aList:
		return t.takeSet(n.members)
	case isSet(n):
		keys, _ := n.member("keys")
		return t.takeSet(keys.members)
	case n.kind == anObject:
		return &Refusal{Code: Object, Members: limited(n.list(""))}
	}
	return t.takeList(n.members)
}

// takeList takes texts, or private keys in PEM, of which the first signs: the
// order of Auth.js, Django, Rails and Express.
func (t *taker) takeList(elements []node) error {
	if len(elements) == 0 {
		return &Refusal{Code: Empty}
	}
	if t.ask.Signs != "" {
		return &Refusal{Code: NoSuchSigner}
	}
	if len(elements) > keyset.MaxLive {
		return &Refusal{Code: TooMany, Have: len(elements), Want: keyset.MaxLive}
	}
	var seen []string
	for i, e := range elements {
		if e.kind != aText {
			return &Refusal{Code: NotTexts, At: i + 1, Kind: string(e.kind)}
		}
		if slices.Contains(seen, e.text) {
			t.note(Note{Code: SameAgain, N: i + 1})
			continue
		}
		seen = append(seen, e.text)
		kid := ""
		if i == 0 {
			kid = t.ask.Kid
		}
		k, err := t.element([]byte(e.text), kid)
		if refused := (*Refusal)(nil); errors.As(err, &refused) && refused.Element == 0 {
			refused.Element = i + 1
		}
		if err != nil {
			return err
		}
		t.Keys = append(t.Keys, k)
	}
	if len(t.Keys) > 1 {
		t.note(Note{Code: FirstSigns, N: len(t.Keys)})
	}
	return nil
}

// element takes one text of a list, with the same care as one that stands alone.
func (t *taker) element(data []byte, kid string) (keyset.Key, error) {
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) == 0 {
		return keyset.Key{}, &Refusal{Code: Empty}
	}
	if isPEM(trimmed) {
		return t.pemKey(trimmed, kid)
	}
	if n, err := parseJSON(trimmed); err == nil && (n.kind == anObject || n.kind == aList) {
		return keyset.Key{}, &Refusal{Code: NotTexts, Kind: string(n.kind)}
	}
	if err := encoded(data); err != nil {
		return keyset.Key{}, err
	}
	value, err := t.plainText(data)
	if err != nil {
		return keyset.Key{}, err
	}
	return t.textKey(value, kid)
}

// takeSet takes JWKs. One of them signs: the only one that can, or the one that
// was named.
func (t *taker) takeSet(nodes []node) error {
	if len(nodes) > keyset.MaxLive {
		return &Refusal{Code: TooMany, Have: len(nodes), Want: keyset.MaxLive}
	}
	var keys []keyset.Key
	for i, n := range nodes {
		k, err := t.jwk(n, len(nodes) == 1)
		if refused := (*Refusal)(nil); errors.As(err, &refused) && len(nodes) > 1 {
			refused.Element = i + 1
		}
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	if len(keys) > 1 && t.ask.Kid != "" {
		return &Refusal{Code: KidForSet, Kids: kidsOf(keys)}
	}
	if kids := twice(keys); len(kids) > 0 {
		return &Refusal{Code: KidTwice, Kids: kids}
	}
	signs, err := t.signer(keys)
	if err != nil {
		return err
	}
	first := keys[signs]
	t.Keys = append([]keyset.Key{first}, slices.Delete(slices.Clone(keys), signs, signs+1)...)
	t.Short = slices.DeleteFunc(t.Short, func(n Note) bool { return !slices.Contains(n.Kids, first.Kid) })
	if dropped := privates(t.Keys[1:]); len(dropped) > 0 {
		t.note(Note{Code: HalvesDropped, Kids: dropped})
	}
	return nil
}

// signer is the index of the key that signs.
func (t *taker) signer(keys []keyset.Key) (int, error) {
	var can []int
	for i, k := range keys {
		if k.Private() {
			can = append(can, i)
		}
	}
	named := slices.IndexFunc(keys, func(k keyset.Key) bool { return k.Kid == t.ask.Signs })
	switch {
	case len(can) == 0:
		return 0, &Refusal{Code: OnlyPublic, Kids: kidsOf(keys)}
	case t.ask.Signs == "" && len(can) == 1:
		return can[0], nil
	case t.ask.Signs == "":
		return 0, &Refusal{Code: SeveralSigners, Kids: kidsAt(keys, can)}
	case named < 0 || !slices.Contains(can, named):
		return 0, &Refusal{Code: NoSuchSigner, Kids: kidsAt(keys, can)}
	}
	return named, nil
}

func kidsAt(keys []keyset.Key, at []int) (kids []string) {
	for _, i := range at {
		kids = append(kids, keys[i].Kid)
	}
	return kids
}

func kidsOf(keys []keyset.Key) (kids []string) {
	for _, k := range keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

// privates is the kids of pairs that hold what signs.
func privates(keys []keyset.Key) (kids []string) {
	for _, k := range keys {
		if !k.Alg.Symmetric() && k.Private() {
			kids = append(kids, k.Kid)
		}
	}
	return kids
}
