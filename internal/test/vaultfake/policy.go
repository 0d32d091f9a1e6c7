package vaultfake

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	stanza     = regexp.MustCompile(`^path "([^"]+)" \{ capabilities = \[([^\]]*)\] \}$`)
	capability = regexp.MustCompile(`^"(create|read|update|patch|delete|list|sudo|deny)"$`)
)

// Policy reads a policy in the part of HCL that rotate writes: what it grants, by path.
func Policy(hcl string) (map[string][]string, error) {
	granted := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(hcl), "\n") {
		m := stanza.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("vaultfake: not a stanza of a policy: %s", line)
		}
		for _, c := range strings.Split(m[2], ", ") {
			word := capability.FindStringSubmatch(c)
			if word == nil {
				return nil, fmt.Errorf("vaultfake: not a capability: %s", c)
			}
			granted[m[1]] = append(granted[m[1]], word[1])
		}
	}
	return granted, nil
}

// policies lists the policies, or tells one:
// https://developer.hashicorp.com/vault/api-docs/system/policies
func (f *Fake) policies(t *Token, name, path string) (int, any) {
	verb := "GET"
	if name == "" {
		verb = "LIST"
	}
	text, there := f.Policies[name]
	switch {
	case !t.allowed(verb, path, true):
		return refuse(403, "1 error occurred:\n\t* permission denied\n\n")
	case name == "":
		return 200, map[string]any{"data": map[string]any{"keys": append(slices.Sorted(maps.Keys(f.Policies)), "root")}}
	case !there:
		return 404, nothing
	}
	return 200, map[string]any{"data": map[string]any{"name": name, "policy": text}}
}
