package kubernetes

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	rotatepolicy "github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
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
	try := func(without func([]providers.Right) []providers.Right) error {
		ns := v.fresh(t)
		v.grant(t, ns, printedRules(t, without))
		return shortLife(v.open(t, Config{Namespace: ns}, "rotate"), life.New(t, life.World{}))
	}
	if err := try(nil); err != nil {
		t.Errorf("with the printed Role: %s", say.Error(err))
	}
	for i, r := range (&Config{}).Needs(providers.Rotator, []providers.Use{{Secret: name}}).List {
		for _, verb := range r.Actions {
			err := try(func(list []providers.Right) []providers.Right {
				list[i].Actions = slices.DeleteFunc(slices.Clone(list[i].Actions), func(a string) bool { return a == verb })
				if len(list[i].Actions) == 0 {
					return slices.Delete(list, i, i+1)
				}
				return list
			})
			if err == nil || !strings.Contains(say.Error(err).String(), "cannot "+verb) {
				t.Errorf("without %s the error is: %v", verb, err)
				continue
			}
			t.Logf("without %s: %.200s", verb, say.Error(err))
		}
	}
}

// shortLife makes a key, rotates it, and has the old one erased, within seconds. It ends
// with the first error.
func shortLife(s *store, l *life.Life) error {
	e := &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "test", Audit: func(engine.Event) {}}
	target := engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: "kubernetes", Store: s, Secret: name, Generate: l.Generate,
		Policy: rotation.Policy{Schedule: rotation.Every(4 * time.Second), Grace: 2 * time.Second},
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		res, err := e.Pass(context.Background(), target, engine.Ask{})
		if err != nil {
			return err
		}
		if res.Set != nil && res.Set.Generation >= 4 {
			return nil
		}
	}
	return errors.New("the key came to no end")
}
