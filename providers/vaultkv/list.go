package vaultkv

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// List implements providers.Lister: a call for each folder below the store's path.
// Vault shows names and nothing else, and the notes lie beside the values, so what
// a name is only a Read tells.
//
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#list-secrets
func (s *store) List(ctx context.Context) (all []providers.Listed, err error) {
	defer s.dress(&err, "list", s.Mount+"/metadata/"+s.Path)
	names, err := s.below(ctx, "")
	for _, name := range names {
		all = append(all, providers.Listed{Name: name, Untold: true})
	}
	return all, err
}

// below is the names that begin with a folder's, which is "" or ends in a slash.
func (s *store) below(ctx context.Context, folder string) (names []string, err error) {
	at := strings.TrimSuffix(s.at("metadata", folder), "/")
	a, err := s.call(ctx, at, url.Values{"list": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	var out struct {
		Keys []string `json:"keys"`
	}
	if err := a.into(&out); err != nil { // a folder that is empty is a 404 without data
		return nil, err
	}
	for _, key := range out.Keys {
		switch name := folder + key; {
		case !takesName(strings.TrimSuffix(name, "/")):
		case strings.HasSuffix(name, "/"):
			more, err := s.below(ctx, name)
			if err != nil {
				return nil, err
			}
			names = append(names, more...)
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
