package azurekv

import (
	"context"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// List implements providers.Lister: a call for each 25 secrets of the vault. It
// shows the newest version of each, with its tags, so no value is read. A version
// that a person put on top has no tags of ours, and its secret shows as somebody
// else's. Certificates' secrets are left out.
//
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets
func (s *store) List(ctx context.Context) (all []providers.Listed, err error) {
	defer providers.Dress(&err, "list", s.conf.address())
	if ctx.Err() != nil {
		return nil, failed(ctx, nil, false)
	}
	for pager := s.api.NewListSecretPropertiesPager(nil); pager.More(); {
		_, err := s.call(ctx, false, func(ctx context.Context) error {
			page, err := pager.NextPage(ctx)
			for _, p := range page.Value {
				if p.ID == nil || p.Managed != nil && *p.Managed {
					continue
				}
				found := providers.Listed{Name: p.ID.Name(), Note: listed(p.ID, p.Attributes, p.Tags).note}
				if p.Attributes != nil && p.Attributes.Updated != nil {
					found.Written = p.Attributes.Updated.UTC()
				}
				all = append(all, found)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b providers.Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
