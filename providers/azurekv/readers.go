package azurekv

import (
	"context"

	"github.com/keyrotate/rotate/providers"
)

// Readers implements providers.ReaderFinder. The vault tells nobody who may read:
// assignments of roles and access policies are Azure Resource Manager's, to which
// rotate makes no call.
func (s *store) Readers(ctx context.Context, _ string) (providers.Readers, error) {
	if ctx.Err() != nil {
		return providers.Readers{}, failed(ctx, nil, false)
	}
	return providers.Readers{Unseen: []string{
		"assignments of roles, and access policies: the vault itself does not tell. az role assignment list --include-inherited --scope \"$(az keyvault show --name " + s.conf.vaultName() + " --query id --output tsv)\"",
	}}, nil
}
