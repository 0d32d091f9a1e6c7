package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// An enforcer is a manager that lets its caller do what a policy says.
type enforcer struct {
	manager
	extra   string // options beyond those of the manager
	outputs string
	grant   func(text string) error
}

func enforcers(t *testing.T) map[string]enforcer {
	all := managers(t)
	value := func(secret string) string { return "{store: it, secret: " + secret + ", format: value}" }
	es := map[string]enforcer{
		"awssm":      {all["awssm"], ", kms_key: alias/rotate, tags: {team: shop}, replicas: [eu-central-1]", value("app/jwt"), nil},
		"azurekv":    {all["azurekv"], ", recover: true", value("app-jwt"), nil},
		"gcpsm":      {all["gcpsm"], "", value("app-jwt"), nil},
		"kubernetes": {all["kubernetes"], "", value("app-jwt") + ", {store: it, secret: shop, format: env, after: {kubernetes: deployment/shop}}", nil},
		"vaultkv":    {all["vaultkv"], ", path: team", value("app/jwt"), nil},
	}
	for name, e := range es {
		switch fake := e.fake.(type) {
		case *awsfake.Fake:
			fake.On(nil)
			e.grant = fake.Grant
		case *azurefake.Fake:
			fake.On(nil)
			e.grant = fake.Run
		case *gcpfake.Fake:
			e.grant = fake.Run
		case *kubefake.Fake:
			e.grant = func(text string) error {
				if err := fake.Apply(text); err != nil {
					return err
				}
				fake.Mu.Lock()
				defer fake.Mu.Unlock()
				fake.Rules["token"] = fake.Rules["rotate"]
				return nil
			}
		case *vaultfake.Fake:
			e.grant = func(text string) error {
				granted, err := vaultfake.Policy(text)
				fake.Mu.Lock()
				defer fake.Mu.Unlock()
				fake.Tokens["rotate"].Capabilities = granted
				return err
			}
		}
		es[name] = e
	}
	return es
}

// A governed manager is one key in one manager that enforces policies.
type governed struct {
	*console
	enforcer
	conf *config.Config
}

func newGoverned(t *testing.T, name string) *governed {
	e := enforcers(t)[name]
	g := &governed{enforcer: e}
	g.console = newConsole(t, fmt.Sprintf(
		"environment: test\nstores: {it: {type: %s, %s%s}}\nkeys: {auth-jwt: {store: it, every: 8d, jitter: 0s, outputs: [%s]}}\n", name, e.options, e.extra, e.outputs))
	g.stores = stores.Registry{name: func() providers.Config { return e.open(&wire{}) }, "file": registry()["file"]}
	credentials(g.console)
	var err error
	if g.conf, err = config.Load(filepath.Join(g.dir, "rotate.yaml"), g.stores); err != nil {
		t.Fatal(err)
	}
	return g
}

// policy is the one of a role; without, if it is not nil, changes its rights before.
func (g *governed) policy(role providers.Role, without func([]providers.Right) []providers.Right) string {
	g.t.Helper()
	all := policy.Of(g.conf, role, nil)
	if len(all) != 1 {
		g.t.Fatalf("%d policies", len(all))
	}
	if without != nil {
		all[0].List = without(all[0].List)
	}
	return all[0].Text()
}

// rights are those of a role.
func (g *governed) rights(role providers.Role) []providers.Right {
	return policy.Of(g.conf, role, nil)[0].List
}

// life is all that rotate does with a key: it makes it, rotates, promotes, retires and
// erases it and its outputs, has readers read, and reports it as compromised. It
// returns what was said of the commands that did not end as they should: of those that
// ask for rights, and of those that work.
func (g *governed) life() (probes, failures string) {
	try := func(want int, args ...string) {
		if code, _, stderr := g.try("", args...); code != want {
			said := fmt.Sprintf("%s: exit code %d: %s\n", strings.Join(args, " "), code, stderr)
			if args[0] == "validate" {
				probes += said
			} else {
				failures += said
			}
		}
	}
	try(0, "validate", "--probe", "--strict")
	try(0, "now")
	azure, disables := g.fake.(*azurefake.Fake)
	for i, days := range []int{1, 6, 1, 1, 1, 2} {
		if probes != "" && failures != "" {
			return probes, failures
		}
		time.Sleep(time.Duration(days) * 24 * time.Hour)
		if disables && i == 1 && len(azure.Versions("test-auth-jwt")) > 0 {
			azure.Delete("test-auth-jwt")
			time.Sleep(time.Minute)
		}
		try(0, "run", "--once")
	}
	compromised := 0
	if _, unlabels := g.fake.(*awsfake.Fake); unlabels || disables {
		compromised = 3 // it may be read still, which is said
	}
	try(compromised, "now", "--compromised", "--yes")
	try(0, "validate", "--probe", "--strict")
	return probes, failures
}

// The printed policy of rotate carries a full life in every manager, and is the least:
// without any one action of it, or any one resource, a call fails, and the error names
// an action that is missing.
func TestPolicyIsTheLeast(t *testing.T) {
	surroundings(t)
	for _, name := range slices.Sorted(maps.Keys(enforcers(t))) {
		t.Run(name, func(t *testing.T) {
			var rights []providers.Right
			synctest.Test(t, func(t *testing.T) {
				g := newGoverned(t, name)
				rights = policy.Of(g.conf, providers.Rotator, nil)[0].List
				if code, stdout, stderr := g.try("", "policy"); code != 0 || stdout != g.policy(providers.Rotator, nil) {
					t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
				}
				if err := g.grant(g.policy(providers.Rotator, nil)); err != nil {
					t.Fatal(err)
				}
				if probes, failures := g.life(); probes+failures != "" {
					t.Errorf("with the policy:\n%s%s", probes, failures)
				}
			})
			for i, r := range rights {
				for _, action := range r.Actions {
					t.Run(fmt.Sprintf("%s without %s", r.Name, action), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { deprived(t, name, i, action, "") })
					})
				}
				if len(r.On) < 2 {
					continue
				}
				for _, on := range r.On {
					t.Run(fmt.Sprintf("%s without %s", r.Name, on), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { deprived(t, name, i, "", on) })
					})
				}
			}
		})
	}
}

// deprived takes one action, or one resource, out of a policy.
func deprived(t *testing.T, name string, right int, action, on string) {
	g := newGoverned(t, name)
	taken := []string{action}
	text := g.policy(providers.Rotator, func(list []providers.Right) []providers.Right {
		r := &list[right]
		if action == "" {
			taken = r.Actions
		}
		r.Actions = slices.DeleteFunc(slices.Clone(r.Actions), func(a string) bool { return a == action })
		r.On = slices.DeleteFunc(slices.Clone(r.On), func(o string) bool { return o == on })
		if len(r.Actions) == 0 {
			return slices.Delete(list, right, right+1)
		}
		return list
	})
	if err := g.grant(text); err != nil {
		t.Fatal(err)
	}
	probes, failures := g.life()
	t.Logf("%.600s%.600s", probes, failures)
	switch {
	case !slices.ContainsFunc(taken, func(a string) bool { return strings.Contains(probes+failures, a) }):
		t.Errorf("nothing is said of %s", taken)
	case failures == "" && !strings.Contains(on, "rotate-probe-"): // which only the probe calls
		t.Error("nothing but the probe fails")
	}
}
