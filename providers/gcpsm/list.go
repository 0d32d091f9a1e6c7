package gcpsm

import (
	"context"
	"path"
	"slices"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/keyrotate/rotate/providers"
)

// List implements providers.Lister: a call for each page of secrets, with their
// annotations, so no version is accessed. It needs secretmanager.secrets.list on
// the project, which rotate's own role does not have.
func (s *store) List(ctx context.Context) (all []providers.Listed, err error) {
	defer providers.Dress(&err, "list", s.conf.parent())
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	const page = 250
	for secret, err := range s.api.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: s.conf.parent(), PageSize: page}).All() {
		if err != nil {
			return nil, failed(ctx, "ListSecrets", err, false)
		}
		all = append(all, listed(secret))
	}
	slices.SortFunc(all, func(a, b providers.Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// listed is a secret as its listing shows it. What cannot be taken from its
// annotation a Read tells.
func listed(secret *secretmanagerpb.Secret) providers.Listed {
	found := providers.Listed{Name: path.Base(secret.GetName()), Created: created(secret.GetCreateTime())}
	st, err := newState(secret)
	if err != nil {
		found.Untold = true
		return found
	}
	found.Note, found.Written = providers.Note(st.rec.Witness), st.rec.Heads[st.alias].Created
	return found
}
