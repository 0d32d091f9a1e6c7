package policy

import (
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// Schema names the form of a Report. Members may be added to it; a change of one that
// exists gets a new name.
const Schema = "rotate/policy/v1"

// A Report is what `rotate policy -o json` prints. It never holds material.
type Report struct {
	Schema   string    `json:"schema"`   // rotate/policy/v1
	Role     string    `json:"role"`     // rotator, signer, verifier or auditor
	Policies []Printed `json:"policies"` // one for each account, project, vault or namespace
	Unserved []string  `json:"unserved"` // keys for which the role gets nothing: pairs whose public half is in no store
}

// A Printed is one policy.
type Printed struct {
	Language string   `json:"language"`        // aws, azure, google, kubernetes, systemd or vault
	Scope    string   `json:"scope,omitempty"` // the project, vault or namespace
	Stores   []string `json:"stores"`          // of the config; none for files that no store has
	Text     string   `json:"text"`            // the policy as the service takes it
	Apply    string   `json:"apply"`           // the form in words, and what is done with it
}

// ReportOf is policies for programs.
func ReportOf(role providers.Role, all []Policy, unserved []string) Report {
	r := Report{Schema: Schema, Role: string(role), Policies: []Printed{}, Unserved: append([]string{}, unserved...)}
	for _, p := range all {
		r.Policies = append(r.Policies, Printed{Language: string(p.Language), Scope: p.Scope, Stores: append([]string{}, p.Stores...), Text: p.Text(), Apply: p.Apply()})
	}
	return r
}

// Words is policies for people. One alone is only its text, to be put into a file.
func (r Report) Words() string {
	if len(r.Policies) == 1 {
		return r.Policies[0].Text
	}
	var b strings.Builder
	for i, p := range r.Policies {
		if i > 0 {
			b.WriteString("\n")
		}
		of := "files"
		if len(p.Stores) > 0 {
			of = "store " + strings.Join(p.Stores, ", ")
		}
		fmt.Fprintf(&b, "# %s, %s; %s\n%s", r.Role, of, p.Apply, p.Text)
	}
	return b.String()
}
