package vaultkv

import (
	"testing"

	rotatepolicy "github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
)

// printed is what rotate policy prints for the secret of these tests in a store.
func printed(c *Config, without func([]providers.Right) []providers.Right) string {
	p := rotatepolicy.Policy{Role: providers.Rotator, Rights: c.Needs(providers.Rotator, []providers.Use{{Secret: name}})}
	if without != nil {
		p.List = without(p.List)
	}
	return p.Text()
}

// realPolicy holds that on Vault itself the printed policy carries a life, and that
// without any one capability of it a call fails that is named.
func realPolicy(t *testing.T, v server) {
	v.admin(t, "POST", "sys/auth/exact", map[string]any{"type": "approle"})
	v.admin(t, "POST", "auth/exact/role/exact", map[string]any{"token_policies": "exact", "token_ttl": "1h"})
	role := v.admin(t, "GET", "auth/exact/role/exact/role-id", nil)["role_id"].(string)
	id := v.admin(t, "POST", "auth/exact/role/exact/secret-id", nil)["secret_id"].(string)
	rights := v.config(t).Needs(providers.Rotator, []providers.Use{{Secret: name}}).List
	life.WithoutEach(t, rights, func(capability string) string { return capability }, func(without func([]providers.Right) []providers.Right) error {
		c := v.config(t)
		c.Auth = Auth{Method: "approle", Mount: "exact", RoleID: role, SecretIDFile: fileOf(t, id)}
		v.admin(t, "PUT", "sys/policies/acl/exact", map[string]any{"policy": printed(c, without)})
		s, err := c.open(t.Context(), v.via)
		if err != nil {
			return err
		}
		return life.New(t, life.World{}).Short(s, "vault", name)
	})
}
