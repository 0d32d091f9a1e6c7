package gcpfake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
)

// The number of the project, which resources have in conditions:
// https://docs.cloud.google.com/iam/docs/conditions-resource-attributes
const number = "123456789"

// A binding gives a member the permissions of a role on some resources.
type binding struct {
	member      string
	permissions []string
	on          func(resource string) bool
}

var (
	gcloudRole    = regexp.MustCompile(`^gcloud iam roles create (\w+) --project=test-project --permissions=([\w.,]+)$`)
	gcloudProject = regexp.MustCompile(`^gcloud projects add-iam-policy-binding test-project --member=(\S+) --role=projects/test-project/roles/(\w+) +--condition=(?:None|"title=\w+,expression=(.*)")$`)
	gcloudSecret  = regexp.MustCompile(`^gcloud secrets add-iam-policy-binding ([\w-]+) --project=test-project --member=(\S+) --role=projects/test-project/roles/(\w+)$`)
	isName        = regexp.MustCompile(`^resource\.name == "([^"]+)"$`)
	beginsWith    = regexp.MustCompile(`^resource\.name\.startsWith\("([^"]+)"\)$`)
)

// Run does what some commands of gcloud do: it makes custom roles, and binds members to
// them. The caller is allowed what the bindings of a member give, and nothing else.
func (f *Fake) Run(script string) error {
	roles := map[string][]string{}
	all := []binding{}
	for _, line := range strings.Split(strings.ReplaceAll(strings.TrimSpace(script), "\\\n", ""), "\n") {
		if line == "NUMBER=$(gcloud projects describe test-project --format='value(projectNumber)')" {
			continue
		}
		line = strings.ReplaceAll(strings.ReplaceAll(line, "$NUMBER", number), `\"`, `"`)
		var b binding
		var role string
		if m := gcloudRole.FindStringSubmatch(line); m != nil {
			roles[m[1]] = strings.Split(m[2], ",")
			continue
		} else if m := gcloudProject.FindStringSubmatch(line); m != nil {
			var err error
			if b.on, err = condition(m[3]); err != nil {
				return err
			}
			b.member, role = m[1], m[2]
		} else if m := gcloudSecret.FindStringSubmatch(line); m != nil {
			name := "projects/" + number + "/secrets/" + m[1]
			b.on = func(r string) bool { return r == name || strings.HasPrefix(r, name+"/") }
			b.member, role = m[2], m[3]
		} else {
			return fmt.Errorf("gcpfake: not a command that is known: %s", line)
		}
		if b.permissions = roles[role]; b.permissions == nil {
			return fmt.Errorf("gcpfake: there is no role %s", role)
		}
		all = append(all, b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bindings = all
	return nil
}

// condition is an expression of a binding, of the part of CEL that rotate writes, with
// at most 12 logical operators: https://docs.cloud.google.com/iam/quotas.
func condition(expression string) (func(string) bool, error) {
	if expression == "" {
		return func(string) bool { return true }, nil
	}
	terms := strings.Split(expression, " || ")
	if len(terms) > 13 {
		return nil, fmt.Errorf("gcpfake: %d logical operators in a condition", len(terms)-1)
	}
	var all []func(string) bool
	for _, term := range terms {
		if m := isName.FindStringSubmatch(term); m != nil {
			all = append(all, func(r string) bool { return r == m[1] })
		} else if m := beginsWith.FindStringSubmatch(term); m != nil {
			all = append(all, func(r string) bool { return strings.HasPrefix(r, m[1]) })
		} else {
			return nil, fmt.Errorf("gcpfake: not a term of a condition: %s", term)
		}
	}
	return func(r string) bool { return slices.ContainsFunc(all, func(t func(string) bool) bool { return t(r) }) }, nil
}

// may tells whether the caller has a permission on a resource. A secret is made in its
// project, and listed there.
func (f *Fake) may(permission, resource string) bool {
	if f.bindings == nil {
		return f.allowed[permission]
	}
	if permission == "secretmanager.secrets.create" || permission == "secretmanager.secrets.list" {
		resource = Project
	}
	resource = "projects/" + number + strings.TrimPrefix(resource, Project)
	return slices.ContainsFunc(f.bindings, func(b binding) bool { return slices.Contains(b.permissions, permission) && b.on(resource) })
}

// Members are who may read a secret by a policy of its own, for GetIamPolicy.
func (f *Fake) Members(name string, bindings ...*iampb.Binding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.policies == nil {
		f.policies = map[string]*iampb.Policy{}
	}
	f.policies[Project+"/secrets/"+name] = &iampb.Policy{Bindings: bindings}
}
