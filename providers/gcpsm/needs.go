package gcpsm

import (
	"slices"

	"github.com/keyrotate/rotate/providers"
)

// policyRight is what Readers needs.
const policyRight = "secretmanager.secrets.getIamPolicy"

// Needs implements providers.Needer. Only create and list are rights on a project;
// the others can be given for single secrets.
// https://docs.cloud.google.com/secret-manager/docs/access-control
func (c *Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	rights := providers.Rights{Language: providers.GoogleRole, Scope: c.Project}
	var on []string
	for _, name := range providers.SecretsOf(uses) {
		on = append(on, c.parent()+"/secrets/"+name)
	}
	switch role {
	case providers.Rotator:
		rights.List = []providers.Right{
			{Name: "Rotate", Actions: neededOnSecret(), On: append(on, c.parent()+"/secrets/rotate-probe-*")},
			{Name: "Create", Actions: []string{permissions["CreateSecret"]}},
		}
	case providers.Signer, providers.Verifier:
		if len(on) > 0 {
			rights.List = []providers.Right{{Name: "Read", Actions: []string{permissions["AccessSecretVersion"]}, On: on, Each: true}}
		}
	case providers.Auditor:
		rights.List = []providers.Right{{Name: "List", Actions: []string{listRight}}, {Name: "Policies", Actions: []string{policyRight}, On: on, Each: true}}
	}
	return rights
}

// neededOnSecret are the permissions of a rotation on a secret that is there.
func neededOnSecret() (needed []string) {
	for rpc, p := range permissions {
		if rpc != "CreateSecret" {
			needed = append(needed, p)
		}
	}
	slices.Sort(needed)
	return needed
}
