package azurekv

import (
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// The data actions that the adapter's calls need.
// https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
const (
	dataActions  = "Microsoft.KeyVault/vaults/secrets/"
	readMetadata = dataActions + "readMetadata/action"
	getSecret    = dataActions + "getSecret/action"
	setSecret    = dataActions + "setSecret/action"
	update       = dataActions + "update/action"
	recovery     = dataActions + "recover/action"
)

// Needs implements providers.Needer. rotate's own role is for the whole vault: a
// secret that does not exist cannot have an assignment yet, and deleted secrets are
// the vault's.
func (c *Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	rights := providers.Rights{Language: providers.AzureRole, Scope: c.vaultName()}
	switch role {
	case providers.Rotator:
		rights.List = []providers.Right{{Name: "Rotate", Actions: []string{readMetadata, getSecret, setSecret, update}}}
		if c.Recover {
			rights.List[0].Actions = append(rights.List[0].Actions, recovery)
		}
	case providers.Signer, providers.Verifier:
		if names := providers.SecretsOf(uses); len(names) > 0 {
			rights.List = []providers.Right{{Name: "Read", Actions: []string{getSecret}, On: names, Each: true}}
		}
	case providers.Auditor:
		rights.List = []providers.Right{{Name: "List", Actions: []string{readMetadata}}}
	}
	return rights
}

// vaultName is the vault's name, as resources have it.
func (c *Config) vaultName() string {
	host := strings.TrimPrefix(c.address(), "https://")
	name, _, _ := strings.Cut(host, ".")
	return name
}
