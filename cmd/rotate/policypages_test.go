package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The policy on the page of each manager is what rotate policy prints for the config on
// that page.
func TestPolicyPages(t *testing.T) {
	for _, name := range []string{"awssm", "azurekv", "gcpsm", "kubernetes", "vaultkv"} {
		text, err := os.ReadFile("../../docs/providers/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(text), "```yaml\nenvironment:")
		config, _, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			t.Fatalf("%s: the page has no config", name)
		}
		c := newConsole(t, "environment:"+config)
		printed := c.do("policy")
		if name == "azurekv" || name == "gcpsm" { // commands, which a shell has to understand
			for _, role := range []string{"rotator", "signer", "verifier", "auditor"} {
				if sh := exec.Command("bash", "-n", "-c", c.do("policy", "--role", role)); sh.Run() != nil {
					t.Errorf("%s: bash cannot read what %s needs", name, role)
				}
			}
		}
		if !strings.Contains(string(text), "\n"+printed+"```") {
			t.Errorf("the page of %s has another policy than the one that is printed for its config:\n%s", name, printed)
		}
	}
}

// A service account of another namespace than the Secrets is bound where it lives, and each
// namespace of Secrets has a name of its own for what counts in the whole cluster.
func TestPolicyOfAnAccountElsewhere(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {a: {type: kubernetes, namespace: shop}, b: {type: kubernetes, namespace: pay}}\nkeys: {x: {store: a}, y: {store: b}}\n")
	if text := c.do("policy", "--to", "ops/rotate"); strings.Count(text, "name: rotate, namespace: ops}") != 2 {
		t.Errorf("not bound where the account lives:\n%s", text)
	}
	if text := c.do("policy", "--role", "auditor"); !strings.Contains(text, "{name: rotate-auditor-shop}") || !strings.Contains(text, "{name: rotate-auditor-pay}") {
		t.Errorf("one takes the other's place:\n%s", text)
	}
}
