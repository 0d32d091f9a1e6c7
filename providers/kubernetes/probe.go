package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// What rotate does with a Secret, and what it never does.
var (
	needs = []string{"get", "create", "update"}
	never = []string{"list", "watch", "patch", "delete", "deletecollection"}
)

// Probe asks the API server what this account may do with Secrets of the
// namespace, and names each verb that is missing. Then it lets the API server
// check a create without making it, so that quotas and admission policies speak,
// too. It changes nothing.
func (s *store) Probe(ctx context.Context) (err error) {
	const name = "rotate-probe"
	defer s.dress(&err, "probe", name)
	has, err := s.held(ctx, "", needs)
	if err != nil {
		return err
	}
	if err := s.lacking(has); err != nil {
		return err
	}
	object := s.bare(name)
	s.fill(object, providers.NewSecret([]byte("a dry run")), providers.Note{})
	_, err = s.create(ctx, object, true)
	return err
}

// ProbeSecret asks about one Secret: what is missing there is an error, and what
// is more than rotate needs is returned, as a Role would grant it.
func (s *store) ProbeSecret(ctx context.Context, name string) (excess []string, err error) {
	defer s.dress(&err, "probe", name)
	has, err := s.held(ctx, name, slices.Concat(needs, never))
	if err != nil {
		return nil, err
	}
	if more := slices.DeleteFunc(slices.Clone(never), func(verb string) bool { return !slices.Contains(has, verb) }); len(more) > 0 {
		excess = []string{s.rule(more) + " in " + s.Namespace}
	}
	return excess, s.lacking(has)
}

// lacking is the error that names which verbs are missing, or nil.
func (s *store) lacking(has []string) error {
	lacks := slices.DeleteFunc(slices.Clone(needs), func(verb string) bool { return slices.Contains(has, verb) })
	if len(lacks) == 0 {
		return nil
	}
	return &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("the account may not %s %s in namespace %s", strings.Join(lacks, ", "), s.resource(), s.Namespace),
		Hint: "its Role needs: " + s.rule(lacks) + "; docs/providers/kubernetes.md has the whole of it"}
}

// rule is how a Role grants verbs.
func (s *store) rule(verbs []string) string {
	return fmt.Sprintf(`{apiGroups: [""], resources: [%s], verbs: [%s]}`, s.resource(), strings.Join(verbs, ", "))
}

// held is which of some verbs this account has on a Secret, or on any if name is
// "".
//
// Rules rather than access reviews are asked for: get and update are best
// limited to the names of rotate's own Secrets, and a rule shows those.
// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-rules-review-v1/
func (s *store) held(ctx context.Context, name string, verbs []string) (has []string, err error) {
	review := &rulesReview{}
	review.Spec.Namespace = s.Namespace
	if _, err := do(ctx, s.authorization.Post().Resource("selfsubjectrulesreviews").Body(review), review, false); err != nil {
		return nil, err
	}
	for _, verb := range verbs {
		yes := granted(review.Status.ResourceRules, s.resource(), verb, name)
		if !yes && review.Status.Incomplete { // an authorizer that cannot list its rules can still answer
			if yes, err = s.may(ctx, verb, name); err != nil {
				return nil, err
			}
		}
		if yes {
			has = append(has, verb)
		}
	}
	return has, nil
}

// granted says that some rule gives a verb on a Secret; on any if name is "".
func granted(rules []resourceRule, resource, verb, name string) bool {
	has := func(list []string, want string) bool {
		return slices.Contains(list, want) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(rules, func(r resourceRule) bool {
		if !has(r.APIGroups, "") || !has(r.Resources, resource) || !has(r.Verbs, verb) {
			return false
		}
		switch { // RBAC cannot limit these to names: it does not know any when it decides
		case len(r.ResourceNames) == 0:
			return true
		case verb == "create", verb == "deletecollection":
			return false
		}
		return name == "" || slices.Contains(r.ResourceNames, name)
	})
}

// may asks about one verb.
func (s *store) may(ctx context.Context, verb, name string) (bool, error) {
	if verb == "create" {
		name = ""
	}
	review := &accessReview{}
	review.Spec.ResourceAttributes = attributes{Namespace: s.Namespace, Verb: verb, Resource: s.resource(), Name: name}
	_, err := do(ctx, s.authorization.Post().Resource("selfsubjectaccessreviews").Body(review), review, false)
	return review.Status.Allowed, err
}
