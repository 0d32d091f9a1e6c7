package kubernetes

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// Needs implements providers.Needer. RBAC cannot limit create to names, and an
// authorizer does not see the name of what is made.
func (c *Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	names := providers.SecretsOf(uses)
	rights := providers.Rights{Language: providers.KubernetesRole, Scope: strings.TrimPrefix(c.Context+"/", "/") + cmp.Or(c.Namespace, "NAMESPACE")}
	switch role {
	case providers.Rotator:
		unnamed := slices.DeleteFunc(slices.Clone(needs), func(verb string) bool { return verb != "create" })
		named := slices.DeleteFunc(slices.Clone(needs), func(verb string) bool { return verb == "create" })
		rights.List = []providers.Right{
			{Name: "Create", Kind: c.resource(), Actions: unnamed},
			{Name: "Rotate", Kind: c.resource(), Actions: named, On: names},
		}
		rights.List = append(rights.List, startAnew(uses)...)
	case providers.Signer, providers.Verifier:
		if len(names) > 0 {
			rights.List = []providers.Right{{Name: "Read", Kind: c.resource(), Actions: []string{"get"}, On: names}}
		}
	case providers.Auditor: // who may list Secrets may read them: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
		rights.List = []providers.Right{{Name: "Bindings", Kind: "rolebindings.rbac.authorization.k8s.io", Actions: []string{"list"}},
			{Name: "Roles", Kind: "roles.rbac.authorization.k8s.io", Actions: []string{"list"}},
			{Name: "ClusterBindings", Kind: "clusterrolebindings.rbac.authorization.k8s.io", Actions: []string{"list"}},
			{Name: "ClusterRoles", Kind: "clusterroles.rbac.authorization.k8s.io", Actions: []string{"list"}}}
	}
	return rights
}

// startAnew is the rights on the workloads that the uses have start anew.
func startAnew(uses []providers.Use) (all []providers.Right) {
	for _, kind := range []string{"daemonset", "deployment", "statefulset"} {
		var names []string
		for _, u := range uses {
			if of, name, _ := strings.Cut(u.Workload, "/"); of == kind {
				names = append(names, name)
			}
		}
		if slices.Sort(names); len(names) > 0 {
			all = append(all, providers.Right{Name: "RollOut" + strings.ToUpper(kind[:1]) + kind[1:], Kind: workloads[kind] + ".apps", Actions: []string{"patch"}, On: slices.Compact(names)})
		}
	}
	return all
}
