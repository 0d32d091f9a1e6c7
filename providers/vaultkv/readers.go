package vaultkv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/hcl/hcl/ast"

	"github.com/keyrotate/rotate/providers"
)

// Readers implements providers.ReaderFinder: the policies that match the path of the
// value. It is one call, and one for each policy.
// https://developer.hashicorp.com/vault/api-docs/system/policies
func (s *store) Readers(ctx context.Context, name string) (_ providers.Readers, err error) {
	defer providers.Dress(&err, "look at the policies of", s.path(name))
	found := providers.Readers{Unseen: []string{
		"who has these policies: Vault tells that of no token, role or entity by their policies",
		"holders of root tokens, and of policies of other kinds (EGP, RGP) or namespaces",
	}}
	a, err := s.call(ctx, "sys/policies/acl", url.Values{"list": {"true"}}, nil)
	if errors.Is(err, providers.ErrDenied) {
		found.Unseen = append(found.Unseen, "the policies: the token has no list on sys/policies/acl")
		return found, nil
	}
	var out struct {
		Keys []string `json:"keys"`
	}
	if err == nil {
		err = a.into(&out)
	}
	if err != nil {
		return found, err
	}
	for _, policy := range out.Keys {
		if policy == "root" {
			continue
		}
		a, err := s.call(ctx, "sys/policies/acl/"+policy, nil, nil)
		if errors.Is(err, providers.ErrDenied) {
			found.Unseen = append(found.Unseen, "the policy "+policy+": the token may not read it")
			continue
		}
		var text struct {
			Policy string `json:"policy"`
		}
		if err == nil {
			err = a.into(&text)
		}
		if err != nil {
			return found, err
		}
		path, reads, err := readsBy(text.Policy, s.at("data", name))
		switch {
		case err != nil:
			found.Unseen = append(found.Unseen, "the policy "+policy+", which is not written as rotate knows it")
		case reads:
			found.Known = append(found.Known, providers.Reader{Who: "policy " + policy, By: fmt.Sprintf("read on %q", path)})
		}
	}
	slices.SortFunc(found.Known, func(a, b providers.Reader) int { return strings.Compare(a.Who, b.Who) })
	return found, nil
}

// readsBy tells whether a policy lets read a path, and by which of its own: of those
// that match, the most specific counts.
// https://developer.hashicorp.com/vault/docs/concepts/policies#priority-matching
func readsBy(policy, path string) (by string, reads bool, err error) {
	file, err := hcl.Parse(policy)
	if err != nil {
		return "", false, errors.New("it cannot be parsed") // the parser quotes
	}
	list, ok := file.Node.(*ast.ObjectList)
	if !ok {
		return "", false, errors.New("it has no list of paths")
	}
	for _, item := range list.Filter("path").Items {
		if len(item.Keys) == 0 {
			return "", false, errors.New("it has a path without a name")
		}
		own, _ := item.Keys[0].Token.Value().(string)
		var grants struct {
			Capabilities []string `hcl:"capabilities"`
			Policy       string   `hcl:"policy"` // of before capabilities: read, write, sudo, deny
		}
		if err := hcl.DecodeObject(&grants, item.Val); err != nil {
			return "", false, errors.New("it grants in a way of its own")
		}
		if strings.Contains(own, "{{") {
			return "", false, errors.New("it has a template")
		}
		if own = strings.TrimPrefix(own, "/"); matches(own, path) && (by == "" || lower(by, own)) {
			deny := slices.Contains(grants.Capabilities, "deny") || grants.Policy == "deny"
			by, reads = own, !deny && (slices.Contains(grants.Capabilities, "read") || grants.Policy != "")
		}
	}
	return by, reads, nil
}

// matches: + is any one segment, and * at the end any text.
func matches(pattern, path string) bool {
	glob := strings.HasSuffix(pattern, "*")
	want, is := strings.Split(strings.TrimSuffix(pattern, "*"), "/"), strings.Split(path, "/")
	if len(want) > len(is) || !glob && len(want) != len(is) {
		return false
	}
	for i, segment := range want {
		last := glob && i == len(want)-1
		if segment != "+" && segment != is[i] && !(last && strings.HasPrefix(is[i], segment)) {
			return false
		}
	}
	return true
}

// lower tells whether the pattern a counts less than b, in the order of Vault's rules.
func lower(a, b string) bool {
	first := func(p string) int {
		if i := strings.IndexAny(p, "+*"); i >= 0 {
			return i
		}
		return len(p) + 1<<16 // no wildcard at all
	}
	if first(a) != first(b) {
		return first(a) < first(b)
	}
	if globA, globB := strings.HasSuffix(a, "*"), strings.HasSuffix(b, "*"); globA != globB {
		return globA
	}
	if plusA, plusB := strings.Count(a, "+"), strings.Count(b, "+"); plusA != plusB {
		return plusA > plusB
	}
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
