package answer

import (
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// Material is a keyset as it was rendered, for programs. It has key material in it.
func Material(k *fleet.Key, set *keyset.Set, f format.Format, text secret.Text, hidden rotation.Hidden) *form.Material {
	m := &form.Material{
		Head: form.Head{Schema: form.Get}, Name: k.Name, Environment: k.Environment, Store: k.StoreName, Secret: k.Secret,
		Generation: set.Generation, Format: string(f), Value: string(text.Reveal()),
		Current: set.Signing().Kid, Previous: kidsOf(set.Previous()), Hidden: kidsOf(hidden.Keys),
	}
	if next, ok := set.Next(); ok {
		m.Next = next.Kid
	}
	return m
}
