package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/keyrotate/rotate/providers"
)

// Probe asks the API server what this account may do with Secrets of the
// namespace, names each verb that is missing, and remembers those that are too
// many. Then it lets the API server check a create without making it, so that
// quotas and admission policies speak, too. It changes nothing.
//
// Rules rather than access reviews are asked for: get and update are best
// limited to the names of rotate's own Secrets, and a rule shows those.
// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-rules-review-v1/
func (s *store) Probe(ctx context.Context) (err error) {
	const name = "rotate-probe"
	defer s.dress(&err, "probe", name)
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: s.Namespace}}
	if _, err := do(ctx, s.authorization.Post().Resource("selfsubjectrulesreviews").Body(review), review, false); err != nil {
		return err
	}
	var lacks, excess []string
	for _, verb := range []string{"get", "create", "update"} {
		has := granted(review.Status.ResourceRules, verb)
		if !has && review.Status.Incomplete { // an authorizer that cannot list its rules can still answer
			if has, err = s.may(ctx, verb); err != nil {
				return err
			}
		}
		if !has {
			lacks = append(lacks, verb)
		}
	}
	for _, verb := range []string{"list", "watch", "patch", "delete", "deletecollection"} {
		if granted(review.Status.ResourceRules, verb) {
			excess = append(excess, verb)
		}
	}
	s.mu.Lock()
	s.excess = ""
	if len(excess) > 0 {
		s.excess = fmt.Sprintf("This account may also %s Secrets in %s, which rotate never does: take that away.", strings.Join(excess, ", "), s.Namespace)
	}
	s.mu.Unlock()
	if len(lacks) > 0 {
		return &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("the account may not %s secrets in namespace %s", strings.Join(lacks, ", "), s.Namespace),
			Hint: fmt.Sprintf(`its Role needs: {apiGroups: [""], resources: [secrets], verbs: [%s]}; docs/providers/kubernetes.md has the whole of it`, strings.Join(lacks, ", "))}
	}
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}, Type: corev1.SecretType(s.SecretType)}
	s.fill(object, providers.NewSecret([]byte("a dry run")), providers.Note{})
	_, err = s.create(ctx, object, true)
	return err
}

// granted says that some rule gives a verb on Secrets, be it on a few names.
func granted(rules []authorizationv1.ResourceRule, verb string) bool {
	has := func(list []string, want string) bool {
		return slices.Contains(list, want) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(rules, func(r authorizationv1.ResourceRule) bool {
		// RBAC cannot limit create to names: the name is not known yet when it decides.
		return has(r.APIGroups, "") && has(r.Resources, "secrets") && has(r.Verbs, verb) && (verb != "create" || len(r.ResourceNames) == 0)
	})
}

// may asks about one verb.
func (s *store) may(ctx context.Context, verb string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.Namespace, Verb: verb, Resource: "secrets"},
	}}
	_, err := do(ctx, s.authorization.Post().Resource("selfsubjectaccessreviews").Body(review), review, false)
	return review.Status.Allowed, err
}
