package azurefake

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// actions is the data action of each call:
// https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
var actions = map[string]string{
	"GetSecrets": dataAction + "readMetadata/action", "GetSecretVersions": dataAction + "readMetadata/action", "GetDeletedSecret": dataAction + "readMetadata/action",
	"GetSecret": dataAction + "getSecret/action", "SetSecret": dataAction + "setSecret/action", "UpdateSecret": dataAction + "update/action",
	"DeleteSecret": dataAction + "delete", "RecoverDeletedSecret": dataAction + "recover/action", "PurgeDeletedSecret": dataAction + "purge/action", "BackupSecret": dataAction + "backup/action",
}

const dataAction = "Microsoft.KeyVault/vaults/secrets/"

// An assignment gives the caller data actions on the vault, or on one secret.
type assignment struct {
	actions []string
	secret  string // "" for the whole vault
}

var (
	definition = regexp.MustCompile(`(?s)az role definition create --role-definition '(\{.*?\n\})'\n`)
	assigned   = regexp.MustCompile(`^az role assignment create --role ([\w-]+) --assignee-object-id \S+ --assignee-principal-type ServicePrincipal --scope "\$VAULT_ID(?:/secrets/([\w-]+))?"$`)
)

// Run does what some commands of az do: it defines roles, and assigns them to the
// caller, who is allowed what these give and nothing else. The form of a role is
// https://learn.microsoft.com/azure/role-based-access-control/role-definitions.
func (f *Fake) Run(script string) error {
	roles := map[string][]string{}
	for _, m := range definition.FindAllStringSubmatch(script, -1) {
		var role struct {
			Name, Description             string
			IsCustom                      bool
			Actions                       []string
			DataActions, AssignableScopes []string
		}
		d := json.NewDecoder(strings.NewReader(m[1]))
		d.DisallowUnknownFields()
		if err := d.Decode(&role); err != nil || !role.IsCustom || role.Name == "" || len(role.AssignableScopes) == 0 || len(role.Actions) > 0 {
			return fmt.Errorf("azurefake: not a role definition: %w\n%s", err, m[1])
		}
		roles[role.Name] = role.DataActions
	}
	all := []assignment{}
	for _, line := range strings.Split(strings.TrimSpace(definition.ReplaceAllString(script, "")), "\n") {
		if strings.HasPrefix(line, "VAULT_ID=$(az keyvault show --name ") {
			continue
		}
		m := assigned.FindStringSubmatch(line)
		if m == nil || roles[m[1]] == nil {
			return fmt.Errorf("azurefake: not a command that is known: %s", line)
		}
		all = append(all, assignment{roles[m[1]], strings.ToLower(m[2])})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.assigned = all
	return nil
}

// may tells whether an assignment allows a call. Deleted secrets are the vault's.
func (f *Fake) may(op, name string) bool {
	return f.assigned == nil || slices.ContainsFunc(f.assigned, func(a assignment) bool {
		return slices.Contains(a.actions, actions[op]) && (a.secret == "" || a.secret == name && !strings.Contains(op, "Deleted"))
	})
}
