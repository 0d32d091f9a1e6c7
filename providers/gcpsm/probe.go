package gcpsm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/keyrotate/rotate/providers"
)

// excessive are permissions that rotate never needs, and with which whoever
// takes over its host could do more than rotate can.
var excessive = []string{
	"secretmanager.secrets.delete", "secretmanager.secrets.setIamPolicy", "secretmanager.versions.enable", "secretmanager.versions.disable",
}

// Probe makes each call of a rotation on a secret that does not exist, named
// rotate-probe-…, and names the permissions that are missing. Google looks at
// permissions first, so what is allowed is answered by NOT_FOUND and nothing is
// changed. CreateSecret would create one: it is not tried.
func (s *store) Probe(ctx context.Context) (err error) {
	name := "rotate-probe-" + strings.ToLower(rand.Text()[:12])
	defer providers.Dress(&err, "probe", name)
	secret, version := s.secret(name), s.version(name, 1)
	calls := []struct {
		rpc  string
		call func() error
	}{
		{"GetSecret", func() error {
			_, err := s.api.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: secret})
			return err
		}},
		{"ListSecretVersions", func() error {
			_, err := s.api.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: secret, PageSize: 1}).Next()
			return err
		}},
		{"GetSecretVersion", func() error {
			_, err := s.api.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: version})
			return err
		}},
		{"AccessSecretVersion", func() error {
			_, err := s.api.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: version})
			return err
		}},
		{"UpdateSecret", func() error {
			st := state{secret: &secretmanagerpb.Secret{Name: secret, Etag: `"rotate-probe"`}}
			_, err := s.api.UpdateSecret(ctx, s.update(st.next(0, nil)))
			return err
		}},
		{"AddSecretVersion", func() error {
			_, err := s.api.AddSecretVersion(ctx, s.addition(name, []byte("written by rotate validate --probe; safe to delete")))
			return err
		}},
		{"DestroySecretVersion", func() error {
			_, err := s.api.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: version, Etag: `"rotate-probe"`})
			return err
		}},
	}
	var missing []string
	var first error
	for _, c := range calls {
		err := c.call()
		if err == nil {
			return unsafe(fmt.Errorf("%s succeeds on a secret that does not exist", c.rpc), "this is not Secret Manager: look at endpoint")
		}
		switch err := failed(ctx, c.rpc, err, false); {
		case errors.Is(err, providers.ErrNotFound):
		case errors.Is(err, providers.ErrDenied):
			missing, first = append(missing, permissions[c.rpc]), errors.Join(first, err)
		default:
			return err
		}
	}
	if len(missing) == len(calls) { // the credentials, or a role on single secrets only, which ProbeSecret sees
		return first
	}
	return lacking(missing, "allow them on the secrets of rotate, and on rotate-probe-* so that this can be told: docs/providers/gcpsm.md has the role")
}

// ProbeSecret asks Google what may be done to one secret: what is missing is an
// error, and what is more than rotate needs is returned. It changes nothing. Of
// a secret that does not exist nothing can be said.
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/testIamPermissions
func (s *store) ProbeSecret(ctx context.Context, name string) (excess []string, err error) {
	defer providers.Dress(&err, "probe", name)
	if _, err := s.look(ctx, name); errors.Is(err, providers.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	needed := neededOnSecret()
	out, err := s.api.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: s.secret(name), Permissions: append(needed, excessive...)})
	if err != nil {
		return nil, failed(ctx, "TestIamPermissions", err, false)
	}
	has := func(p string) bool { return slices.Contains(out.GetPermissions(), p) }
	missing := slices.DeleteFunc(slices.Clone(needed), has)
	excess = slices.DeleteFunc(slices.Clone(excessive), func(p string) bool { return !has(p) })
	return excess, lacking(missing, "grant rotate's service account the role of docs/providers/gcpsm.md on this secret")
}

func lacking(missing []string, hint string) error {
	if len(missing) == 0 {
		return nil
	}
	return &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("missing %s", strings.Join(missing, ", ")), Hint: hint}
}
