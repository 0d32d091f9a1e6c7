package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// awsPolicy is https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
func awsPolicy(p Policy) string {
	type statement struct {
		Sid       string
		Effect    string
		Action    []string
		Resource  []string
		Condition map[string]map[string][]string `json:",omitempty"`
	}
	doc := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17"}
	for _, r := range p.List {
		s := statement{Sid: r.Name, Effect: "Allow", Action: r.Actions, Resource: r.On}
		if len(r.On) == 0 {
			s.Resource = []string{"*"}
		}
		for _, c := range r.When {
			if s.Condition == nil {
				s.Condition = map[string]map[string][]string{}
			}
			if s.Condition[c.Test] == nil {
				s.Condition[c.Test] = map[string][]string{}
			}
			s.Condition[c.Test][c.Key] = c.Values
		}
		doc.Statement = append(doc.Statement, s)
	}
	return indented(doc)
}

func indented(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // strings, lists and maps of them
	}
	return b.String()
}

// vaultPolicy is https://developer.hashicorp.com/vault/docs/concepts/policies.
func vaultPolicy(p Policy) string {
	var b strings.Builder
	for _, r := range p.List {
		for _, path := range r.On {
			fmt.Fprintf(&b, "path %q { capabilities = [%s] }\n", path, quoted(r.Actions))
		}
	}
	return b.String()
}

func quoted(all []string) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, strconv.Quote(s))
	}
	return strings.Join(texts, ", ")
}

// kubernetesRole is https://kubernetes.io/docs/reference/access-authn-authz/rbac/. What
// belongs to no namespace is in a ClusterRole of its own.
func kubernetesRole(p Policy) string {
	var b strings.Builder
	namespace := path.Base(p.Scope)
	home, account, ok := strings.Cut(p.to(), "/") // --to NAMESPACE/NAME
	if !ok {
		home, account = namespace, home
	}
	for _, cluster := range []bool{false, true} {
		rules := slices.DeleteFunc(slices.Clone(p.List), func(r providers.Right) bool { return strings.HasPrefix(r.Kind, "cluster") != cluster })
		if len(rules) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("---\n")
		}
		name := p.name()
		kind, meta := "Role", fmt.Sprintf("{name: %s, namespace: %s}", name, scalar(namespace))
		if cluster { // a name of its own for each namespace, or one would take another's place
			name += "-" + namespace
			kind, meta = "ClusterRole", fmt.Sprintf("{name: %s}", name)
		}
		fmt.Fprintf(&b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: %s\nrules:\n", kind, meta)
		for _, r := range rules {
			resource, group, _ := strings.Cut(r.Kind, ".")
			fmt.Fprintf(&b, "- {apiGroups: [%s], resources: [%s], verbs: [%s]", scalar(group), resource, strings.Join(r.Actions, ", "))
			if len(r.On) > 0 {
				fmt.Fprintf(&b, ", resourceNames: [%s]", scalars(r.On))
			}
			b.WriteString("}\n")
		}
		fmt.Fprintf(&b, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %sBinding\nmetadata: %s\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\nsubjects: [{kind: ServiceAccount, name: %s, namespace: %s}]\n",
			kind, meta, kind, name, scalar(account), scalar(home))
	}
	return b.String()
}

func scalars(all []string) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, scalar(s))
	}
	return strings.Join(texts, ", ")
}

// scalar is a text in YAML, quoted where it could be taken for something else.
func scalar(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == "" && strings.ContainsAny(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if plain && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

// googleRole is https://docs.cloud.google.com/secret-manager/docs/access-control and
// https://docs.cloud.google.com/iam/docs/conditions-overview.
func googleRole(p Policy) string {
	var b strings.Builder
	project := p.Scope
	member := p.to()
	if !strings.Contains(member, ":") {
		member = fmt.Sprintf("serviceAccount:%s@%s.iam.gserviceaccount.com", member, project)
	}
	if slices.ContainsFunc(p.List, func(r providers.Right) bool { return len(r.On) > 0 && !r.Each }) {
		fmt.Fprintf(&b, "NUMBER=$(gcloud projects describe %s --format='value(projectNumber)')\n", project)
	}
	for _, r := range p.List {
		role := googleName(p.Role, r.Name)
		fmt.Fprintf(&b, "gcloud iam roles create %s --project=%s --permissions=%s\n", role, project, strings.Join(r.Actions, ","))
		full := fmt.Sprintf("--member=%s --role=projects/%s/roles/%s", member, project, role)
		switch {
		case r.Each:
			for _, on := range r.On {
				location := ""
				if parts := strings.Split(on, "/"); parts[2] == "locations" {
					location = " --location=" + parts[3]
				}
				fmt.Fprintf(&b, "gcloud secrets add-iam-policy-binding %s --project=%s%s %s\n", path.Base(on), project, location, full)
			}
		case len(r.On) == 0:
			fmt.Fprintf(&b, "gcloud projects add-iam-policy-binding %s %s --condition=None\n", project, full)
		default:
			for i, expression := range expressions(project, r.On) {
				title := role
				if i > 0 {
					title += strconv.Itoa(i + 1)
				}
				fmt.Fprintf(&b, "gcloud projects add-iam-policy-binding %s %s \\\n  --condition=\"title=%s,expression=%s\"\n", project, full, title, expression)
			}
		}
	}
	return b.String()
}

func googleName(role providers.Role, right string) string {
	switch {
	case role != providers.Rotator:
		return "rotate" + strings.ToUpper(string(role[:1])) + string(role[1:]) + right
	case right == "Rotate":
		return "rotate"
	}
	return "rotate" + right
}

// expressions are conditions for some secrets and their versions. Google takes 12
// logical operators in one: https://docs.cloud.google.com/iam/quotas.
func expressions(project string, on []string) (all []string) {
	const most = 6 // secrets, with an operator for each, and between two
	for some := range slices.Chunk(on, most) {
		var terms []string
		for _, secret := range some {
			name := "projects/$NUMBER" + strings.TrimPrefix(secret, "projects/"+project)
			if prefix, ok := strings.CutSuffix(name, "*"); ok {
				terms = append(terms, fmt.Sprintf(`resource.name.startsWith(\"%s\")`, prefix))
			} else {
				terms = append(terms, fmt.Sprintf(`resource.name == \"%s\" || resource.name.startsWith(\"%s/\")`, name, name))
			}
		}
		all = append(all, strings.Join(terms, " || "))
	}
	return all
}

// azureRole is https://learn.microsoft.com/azure/role-based-access-control/role-definitions.
func azureRole(p Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "VAULT_ID=$(az keyvault show --name %s --query id --output tsv)\n", p.Scope)
	for i, r := range p.List {
		name := p.name()
		if i > 0 {
			name += "-" + strings.ToLower(r.Name)
		}
		fmt.Fprintf(&b, "az role definition create --role-definition '%s'\n", strings.TrimSpace(indented(struct {
			Name, Description             string
			IsCustom                      bool
			Actions                       []string
			DataActions, AssignableScopes []string
		}{name, "What the " + string(p.Role) + " of rotate needs of secrets", true, []string{}, r.Actions, []string{"/subscriptions/SUBSCRIPTION"}})))
		scopes := []string{"$VAULT_ID"}
		if r.Each {
			scopes = nil
			for _, on := range r.On {
				scopes = append(scopes, "$VAULT_ID/secrets/"+on)
			}
		}
		for _, scope := range scopes {
			fmt.Fprintf(&b, "az role assignment create --role %s --assignee-object-id %s --assignee-principal-type ServicePrincipal --scope %q\n", name, cmp.Or(p.To, "IDENTITY"), scope)
		}
	}
	return b.String()
}

// systemdPaths is https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html.
func systemdPaths(p Policy) string {
	var b strings.Builder
	b.WriteString("[Service]\n")
	for _, r := range p.List {
		for _, path := range r.On {
			path = strings.ReplaceAll(path, "%", "%%")
			if strings.ContainsAny(path, " \t\"'\\") {
				path = strconv.Quote(path)
			}
			fmt.Fprintf(&b, "%s=%s\n", r.Actions[0], path)
		}
	}
	return b.String()
}
