package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
)

// denied is the calls that each kind of rights refuses.
func denied(r rights, needed string, never ...string) []string {
	switch r {
	case lacking:
		return append(never, needed)
	case tooMuch:
		return never[1:]
	}
	return never
}

func awsDenies(r rights) func(fakes.Call) *fakes.Fault {
	calls := denied(r, "PutSecretValue", "DeleteSecret", "PutResourcePolicy")
	return func(c fakes.Call) *fakes.Fault {
		if !slices.Contains(calls, c.Kind) {
			return nil
		}
		return &fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized"}}
	}
}

func azureDenies(r rights) func(fakes.Call) *fakes.Fault {
	calls := denied(r, "UpdateSecret", "DeleteSecret", "PurgeDeletedSecret", "BackupSecret")
	return func(c fakes.Call) *fakes.Fault {
		if !slices.Contains(calls, c.Kind) {
			return nil
		}
		return &fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized"}}
	}
}

func googleGrants(f *gcpfake.Fake, r rights) {
	f.Allow("secretmanager.versions.destroy")
	f.Deny("secretmanager.secrets.delete")
	switch r {
	case lacking:
		f.Deny("secretmanager.versions.destroy")
	case tooMuch:
		f.Allow("secretmanager.secrets.delete")
	}
}

func clusterGrants(f *kubefake.Fake, r rights) {
	verbs := map[rights][]string{least: {"get", "create", "update"}, lacking: {"get", "create"}, tooMuch: {"get", "create", "update", "delete"}}[r]
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.Rules["token"] = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: verbs}}
}

func vaultGrants(f *vaultfake.Fake, r rights) {
	policy := map[string][]string{
		"secret/data/*": {"create", "read", "update"}, "secret/metadata/*": {"read"}, "secret/destroy/*": {"update"}, "secret/config": {"read"},
	}
	switch r {
	case lacking:
		delete(policy, "secret/destroy/*")
	case tooMuch:
		policy["secret/metadata/*"] = []string{"read", "delete"}
	}
	f.Mu.Lock()
	defer f.Mu.Unlock()
	year := time.Now().AddDate(1, 0, 0)
	f.Tokens["rotate"] = &vaultfake.Token{Until: year, Last: year, TTL: 24 * time.Hour, Capabilities: policy}
}

// Incident 26: a right was missing, and nobody knew until the rotation.
// validate --probe says the same of every manager: 0 with the least rights, 1
// and the vendor's name of what is missing, 3 with --strict and that of what is too much.
func TestIncident26ProbeNamesWhatIsMissing(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		if code, _, stderr := f.try("", "now", "--all"); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		expect := func(what string, want int, words ...string) {
			t.Helper()
			code, stdout, stderr := f.try("", "validate", "--probe", "--strict")
			if code != want {
				t.Errorf("%s: exit code %d, want %d: %s", what, code, want, stderr)
			}
			for _, w := range words {
				if !strings.Contains(stderr, w) {
					t.Errorf("%s: %q is not said in: %s", what, w, stderr)
				}
			}
			if n := strings.Count(stdout, ": reads and writes; deleted keys:"); want != 1 && n != len(f.managers)+1 {
				t.Errorf("%s: %d stores are said to read and write: %s", what, n, stdout)
			}
		}
		expect("least", 0)
		for name, m := range f.managers {
			m.rights(lacking)
			expect(name+" lacks", 1, "store "+name, "permission denied", m.lacking, "docs/providers/"+name+".md")
			m.rights(tooMuch)
			expect(name+" may too much", 3, "key "+name+", store "+name+": rotate may do more than it needs, and so may whoever takes over this host: ", m.surplus)
			m.rights(least)
		}
		expect("least again", 0)
	})
}

// A right that is missing, or too much, on one output's secret alone is told with that output.
func TestIncident26ProbeNamesTheOutput(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		e := newEverywhere(t)
		try := func(want int, words ...string) {
			t.Helper()
			var said bytes.Buffer
			a := cli.New(e.types)
			a.Stdout, a.Stderr = &said, &said
			code := a.Run(t.Context(), []string{"validate", "--probe", "--strict", "-c", filepath.Join(e.dir, "rotate.yaml")})
			if code != want {
				t.Errorf("exit code %d, want %d: %s", code, want, said.String())
			}
			for _, w := range words {
				if !strings.Contains(said.String(), w) {
					t.Errorf("%q is not said in: %s", w, said.String())
				}
			}
			for _, name := range []string{"app-jwt", "app-jwt.previous"} {
				if strings.Contains(said.String(), "key auth-jwt, output kubernetes "+name+":") {
					t.Errorf("%s is named: %s", name, said.String())
				}
			}
		}
		try(cli.Done)
		named := func(verbs []string, names ...string) rbacv1.PolicyRule {
			return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: verbs, ResourceNames: names}
		}
		grant := func(rules ...rbacv1.PolicyRule) {
			e.cluster.Mu.Lock()
			defer e.cluster.Mu.Unlock()
			e.cluster.Rules["token"] = append(rules, named([]string{"create"}), named([]string{"get", "update"}, "app-jwt", "app-jwt.previous"))
		}
		grant(named([]string{"get"}, "app-env"))
		try(cli.Failed, "key auth-jwt, output kubernetes app-env: ", "verbs: [update]")
		grant(named([]string{"get", "update", "delete"}, "app-env"))
		try(cli.Attention, "key auth-jwt, output kubernetes app-env: rotate may do more than it needs", "verbs: [delete]")
		grant(named([]string{"get", "update"}, "app-env"))
		try(cli.Done)
	})
}
