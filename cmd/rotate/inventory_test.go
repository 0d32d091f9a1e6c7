package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/iam/apiv1/iampb"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// Each manager's own policies tell who may read, an auditor's policy lets ask, and
// without it what cannot be seen is named. Without --principals no reader is.
func TestInventoryTellsReaders(t *testing.T) {
	surroundings(t)
	for name, want := range map[string]struct{ reader, right string }{
		"awssm":      {"- arn:aws:iam::123456789012:role/shop: resource policy, under a condition", "secretsmanager:GetResourcePolicy"},
		"azurekv":    {"- not seen: assignments of roles, and access policies", ""},
		"gcpsm":      {"- serviceAccount:shop@test-project.iam.gserviceaccount.com: roles/secretmanager.secretAccessor", "secretmanager.secrets.getIamPolicy"},
		"kubernetes": {"- serviceaccount:shop/signer: Role rotate-signer, by the binding rotate-signer", "may not list them"},
		"vaultkv":    {`- policy shop: read on "secret/data/team/+"`, "sys/policies/acl"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGoverned(t, name)
				if err := g.grant(g.policy(providers.Rotator, nil)); err != nil {
					t.Fatal(err)
				}
				g.do("now")
				_, without, _ := g.try("", "inventory", "--principals")
				if want.right != "" && !strings.Contains(without, want.right) {
					t.Errorf("without the right it does not say %q: %s", want.right, without)
				}
				policies := g.policy(providers.Rotator, nil) + "---\n" + g.policy(providers.Signer, nil) + "---\n" + g.policy(providers.Auditor, nil)
				switch fake := g.fake.(type) {
				case *awsfake.Fake:
					fake.Edit("test-auth-jwt", func(s *awsfake.Secret) {
						s.Policy = `{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/shop"}, "Action": "secretsmanager:Get*", "Resource": "*", "Condition": {}},
{"Effect": "Allow", "Principal": "*", "Action": ["secretsmanager:DescribeSecret"], "Resource": "*"}]}`
						s.Policy = strings.Replace(s.Policy, `{}`, `{"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}`, 1)
					})
				case *gcpfake.Fake:
					fake.Members("test-auth-jwt", &iampb.Binding{Role: "roles/secretmanager.secretAccessor", Members: []string{"serviceAccount:shop@test-project.iam.gserviceaccount.com"}},
						&iampb.Binding{Role: "roles/secretmanager.viewer", Members: []string{"group:blind@example.com"}})
				case *vaultfake.Fake:
					fake.Mu.Lock()
					fake.Policies = map[string]string{"blind": `path "secret/data/team/*" { capabilities = ["read"] } path "secret/data/team/test-auth-jwt" { capabilities = ["deny"] } path "secret/data/team/app/jwt" { policy = "deny" }`,
						"shop": "# of the shop\npath \"secret/data/team/+\" {\n  capabilities = [\"read\"]\n}\n"}
					fake.Mu.Unlock()
				case *kubefake.Fake:
					policies = strings.ReplaceAll(policies, "name: auditor", "name: rotate") // one account is both
				case *azurefake.Fake:
				}
				if name == "kubernetes" {
					if err := g.grant(policies); err != nil {
						t.Fatal(err)
					}
				} else if err := g.grant(g.auditing()); err != nil {
					t.Fatal(err)
				}
				code, page, stderr := g.try("", "inventory", "--principals")
				if code != 0 || !strings.Contains(page, want.reader) || strings.Contains(page, "blind") || strings.Contains(page, "- *:") {
					t.Errorf("exit code %d, want %s: %s%s", code, want.reader, page, stderr)
				}
				if plain := g.do("inventory"); strings.Contains(plain, "Who may read") || strings.Contains(plain, "shop@") || strings.Contains(plain, "role/shop") {
					t.Errorf("without --principals: %s", plain)
				}
			})
		})
	}
}

// auditing is the rights of the auditor beside those of rotate.
func (g *governed) auditing() string {
	rights := g.rights(providers.Auditor)
	return g.policy(providers.Rotator, func(list []providers.Right) []providers.Right { return slices.Concat(list, rights) })
}
