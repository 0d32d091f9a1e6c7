package config

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
)

// places tells which key has what: by a store and a secret, or a type and a place, the
// key of each part. The part "" is all of it. A .env file has a part for each
// variable, so that several keys can share it.
type places map[[2]string]map[string]string

// claim gives a place to a key. If it cannot, it returns who has it already, and
// whether other names of the parts would do: not if one of the two wants all of it, or
// if the key itself has some of it already and names none of the parts apart.
func (p places) claim(id [2]string, key string, parts []string, apart bool) (other string, named, ok bool) {
	if len(parts) == 0 {
		parts = []string{""}
	}
	had := p[id]
	for _, name := range slices.Sorted(maps.Keys(had)) {
		switch owner := had[name]; {
		case owner == key && !apart || name == "" || parts[0] == "":
			return owner, false, false
		case slices.Contains(parts, name):
			return owner, true, false
		}
	}
	if had == nil {
		had = map[string]string{}
		p[id] = had
	}
	for _, part := range parts {
		had[part] = key
	}
	return "", false, true
}

// Place is the place of a secret, the same for two stores that share it (see
// providers.Locator). It is comparable.
func (c *Config) Place(store, secret string) [2]string {
	s := c.Stores[store]
	if l, ok := s.Config.(providers.Locator); ok {
		return placeOf(s.Type, l.Where(secret))
	}
	return [2]string{store, secret}
}

// placeOf is a place by what its type calls it. Two paths are one place if links
// lead to one folder.
func placeOf(typ, where string) [2]string {
	if typ == fileType {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(where)); err == nil { // a folder that is not there has no links yet
			where = filepath.Join(dir, filepath.Base(where))
		}
	}
	return [2]string{"type " + typ, where}
}

// takesName refuses a name that the store's backend would.
func (r *resolver) takesName(store, secret string, at strictyaml.Place) bool {
	s := r.doc.Stores[store]
	named, ok := s.config.(providers.Namer)
	if !ok {
		return true
	}
	takes, rule := named.NameRule()
	if !takes(secret) {
		r.Fail(at, rule, "its secret has a name that a store of the type %s does not take; secret: gives it another", s.typ)
	}
	return takes(secret)
}
