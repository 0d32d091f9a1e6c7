package kubernetes

import (
	"bytes"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	rotatepolicy "github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
)

// printedRules are those of the Role that rotate policy prints for the Secret of these
// tests.
func printedRules(t testing.TB, without func([]providers.Right) []providers.Right) []rbacv1.PolicyRule {
	t.Helper()
	c := &Config{Namespace: namespace}
	p := rotatepolicy.Policy{Role: providers.Rotator, Rights: c.Needs(providers.Rotator, []providers.Use{{Secret: name}})}
	if without != nil {
		p.List = without(p.List)
	}
	var role rbacv1.Role
	must(t, yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(p.Text())), 4096).Decode(&role))
	return role.Rules
}

// policyScenario holds that the printed Role carries a life, and that without any one
// verb of it a call fails that is named.
func policyScenario(t *testing.T, v server) {
	rights := (&Config{}).Needs(providers.Rotator, []providers.Use{{Secret: name}}).List
	life.WithoutEach(t, rights, func(verb string) string { return "cannot " + verb }, func(without func([]providers.Right) []providers.Right) error {
		ns := v.fresh(t)
		v.grant(t, ns, printedRules(t, without))
		return life.New(t, life.World{}).Short(v.open(t, Config{Namespace: ns}, "rotate"), "kubernetes", name)
	})
}
