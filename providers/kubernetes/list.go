package kubernetes

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/providers"
)

// List implements providers.Lister by saying why it does not: who may list Secrets
// may read the values of all of them, and RBAC narrows it to no name.
//
// https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets
func (s *store) List(context.Context) (_ []providers.Listed, err error) {
	defer providers.Dress(&err, "list", "namespace "+s.Namespace)
	return nil, &providers.Error{
		Kind: providers.ErrDenied, Err: errors.New("rotate never has the right to list Secrets: it would show it every value in the namespace"),
		Hint: fmt.Sprintf("a person may: kubectl get secrets -n %s -l %s=%s", s.Namespace, managedBy, manager),
	}
}
