package gcpsm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"

	"github.com/keyrotate/rotate/providers"
)

// blind are roles of Google that read no value:
// https://docs.cloud.google.com/secret-manager/docs/access-control#secretmanager.viewer
var blind = []string{"roles/secretmanager.viewer", "roles/secretmanager.secretVersionAdder"}

// Readers implements providers.ReaderFinder: the secret's own bindings. It is one call.
func (s *store) Readers(ctx context.Context, name string) (_ providers.Readers, err error) {
	defer providers.Dress(&err, "look at the policy of", name)
	found := providers.Readers{Unseen: []string{"members of bindings on the project, its folder and its organization"}}
	policy, err := s.api.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: s.secret(name), Options: &iampb.GetPolicyOptions{RequestedPolicyVersion: 3}})
	if err != nil {
		switch err := failed(ctx, "GetIamPolicy", err, false); {
		case errors.Is(err, providers.ErrDenied):
			found.Unseen = append(found.Unseen, "the secret's own bindings: this identity has no "+policyRight)
			return found, nil
		case errors.Is(err, providers.ErrNotFound):
			return found, nil
		default:
			return found, err
		}
	}
	for _, b := range policy.GetBindings() {
		if slices.Contains(blind, b.GetRole()) {
			continue
		}
		by := b.GetRole()
		if !strings.HasPrefix(by, "roles/") {
			by += " (a custom role, which may not read)"
		}
		if b.GetCondition() != nil {
			by += ", under a condition"
		}
		for _, member := range b.GetMembers() {
			found.Known = append(found.Known, providers.Reader{Who: member, By: by})
		}
	}
	slices.SortFunc(found.Known, func(a, b providers.Reader) int { return strings.Compare(a.Who+a.By, b.Who+b.By) })
	return found, nil
}
