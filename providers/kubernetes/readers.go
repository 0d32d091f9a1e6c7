package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// What is read of objects of RBAC:
// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/
type (
	rbacList struct {
		Items []rbacObject `json:"items"`
	}
	rbacObject struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Rules   []resourceRule `json:"rules"`
		RoleRef struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"roleRef"`
		Subjects []struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"subjects"`
	}
)

// Readers implements providers.ReaderFinder: the subjects of RBAC that may get, list or
// watch the Secret. It is four calls.
func (s *store) Readers(ctx context.Context, name string) (_ providers.Readers, err error) {
	defer s.dress(&err, "look at who may read", name)
	found := providers.Readers{Unseen: []string{
		"who may make pods in the namespace, which can mount it, or read etcd and its backups",
		"other authorizers than RBAC",
	}}
	here := "namespaces/" + s.Namespace + "/"
	rules := map[string][]resourceRule{}
	for kind, at := range map[string]string{"Role": here + "roles", "ClusterRole": "clusterroles"} {
		roles, err := s.rbac(ctx, at, &found)
		if err != nil {
			return found, err
		}
		for _, r := range roles {
			rules[kind+" "+r.Metadata.Name] = r.Rules
		}
	}
	for _, at := range []string{here + "rolebindings", "clusterrolebindings"} {
		bindings, err := s.rbac(ctx, at, &found)
		if err != nil {
			return found, err
		}
		for _, b := range bindings {
			role := b.RoleRef.Kind + " " + b.RoleRef.Name
			if !slices.ContainsFunc([]string{"get", "list", "watch"}, func(verb string) bool { return granted(rules[role], s.resource(), verb, name) }) {
				continue
			}
			for _, subject := range b.Subjects {
				who := strings.ToLower(subject.Kind) + ":" + strings.TrimPrefix(subject.Namespace+"/", "/") + subject.Name
				found.Known = append(found.Known, providers.Reader{Who: who, By: role + ", by the binding " + b.Metadata.Name})
			}
		}
	}
	slices.Sort(found.Unseen)
	slices.SortFunc(found.Known, func(a, b providers.Reader) int { return strings.Compare(a.Who+a.By, b.Who+b.By) })
	return found, nil
}

// rbac lists objects of one kind. One that may not be listed is told in found.
func (s *store) rbac(ctx context.Context, at string, found *providers.Readers) ([]rbacObject, error) {
	if ctx.Err() != nil {
		return nil, &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	reply := s.core.Get().AbsPath("/apis/rbac.authorization.k8s.io/v1/" + at).MaxRetries(0).Do(ctx)
	if err := reply.Error(); err != nil {
		if err = refused(ctx, err, false, nil); errors.Is(err, providers.ErrDenied) {
			found.Unseen = append(found.Unseen, at+": this account may not list them")
			return nil, nil
		}
		return nil, err
	}
	var list rbacList
	text, err := reply.Raw()
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return nil, unanswered(ctx, errNotKubernetes, false)
	}
	return list.Items, nil
}
