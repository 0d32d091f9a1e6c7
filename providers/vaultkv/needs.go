package vaultkv

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// The capabilities that the adapter's calls need on the paths of a secret.
// https://developer.hashicorp.com/vault/docs/concepts/policies
var needed = []struct {
	name, kind   string
	capabilities []string
}{
	{"Values", "data", []string{"create", "read", "update"}},
	{"Metadata", "metadata", []string{"read"}},
	{"Destroy", "destroy", []string{"update"}},
}

// Needs implements providers.Needer. The token's own policy default lets it renew
// itself and ask what it may do.
func (c *Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	mount := strings.Trim(cmp.Or(c.Mount, "secret"), "/")
	at := func(kind string) (paths []string) {
		for _, name := range providers.SecretsOf(uses) {
			paths = append(paths, path.Join(mount, kind, c.Path, name))
		}
		return paths
	}
	rights := providers.Rights{Language: providers.VaultPolicy, Scope: strings.TrimSpace(c.Address + " " + c.Namespace)}
	switch role {
	case providers.Rotator:
		for _, n := range needed {
			rights.List = append(rights.List, providers.Right{Name: n.name, Actions: slices.Clone(n.capabilities), On: at(n.kind)})
		}
		rights.List = append(rights.List, providers.Right{Name: "Config", Actions: []string{"read"}, On: []string{mount + "/config"}})
	case providers.Signer, providers.Verifier:
		if len(uses) > 0 {
			rights.List = []providers.Right{{Name: "Read", Actions: []string{"read"}, On: at("data")}}
		}
	case providers.Auditor:
		names := path.Join(mount, "metadata", c.Path)
		rights.List = []providers.Right{
			{Name: "List", Actions: []string{"list"}, On: []string{names, names + "/*"}},
			{Name: "Policies", Actions: []string{"list"}, On: []string{"sys/policies/acl"}},
			{Name: "Policy", Actions: []string{"read"}, On: []string{"sys/policies/acl/*"}},
		}
	}
	return rights
}
