package providers

import "slices"

// A Role is one kind of identity that the policies of a store let in.
type Role string

// The roles. None of them may delete a secret.
const (
	Rotator  Role = "rotator"  // rotate itself
	Signer   Role = "signer"   // an application that signs
	Verifier Role = "verifier" // an application that verifies
	Auditor  Role = "auditor"  // who lists names, and asks who may read them; it reads no value
)

// Roles are all roles.
func Roles() []Role { return []Role{Rotator, Signer, Verifier, Auditor} }

// A Use is one secret that a role has to do with.
type Use struct {
	Secret   string // its name in the store
	File     bool   // Secret is the whole name of a file, of an output that has no store
	Previous bool   // readers may ask for the value before the newest, too
	Workload string // what the rotator has start anew for it, such as deployment/shop; "" for nothing
}

// SecretsOf is the names of some uses, each once, in order.
func SecretsOf(uses []Use) (names []string) {
	for _, u := range uses {
		names = append(names, u.Secret)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A Language is the form in which a service takes policies. Package policy writes them.
type Language string

// The languages.
const (
	AWSPolicy      Language = "aws"        // a policy of AWS IAM, in JSON
	AzureRole      Language = "azure"      // a role definition of Azure, and its assignments
	GoogleRole     Language = "google"     // a custom role of Google IAM, and its bindings
	KubernetesRole Language = "kubernetes" // a Role of RBAC and its binding, in YAML
	SystemdPaths   Language = "systemd"    // paths of a drop-in of a unit
	VaultPolicy    Language = "vault"      // a policy of Vault or OpenBao, in HCL
)

// Rights are all that one role needs in a store.
type Rights struct {
	Language Language
	Scope    string // what the whole policy is for: a project, a vault, a namespace; "" where the service has nothing of the kind
	List     []Right
}

// A Right is one statement of a policy, in the service's own words.
type Right struct {
	Name    string      // a word for the statement, such as Create; each of a list has its own
	Actions []string    // what it allows
	Kind    string      // what On names, where a service has several kinds: secrets, deployments.apps
	On      []string    // resources, paths or names; nil for all that there are
	Each    bool        // the policy stands on each of On by itself, and not on Scope
	When    []Condition // all of them have to hold
}

// A Condition bounds a Right: one of the values has to match.
type Condition struct {
	Test   string // such as StringEquals
	Key    string
	Values []string
}
