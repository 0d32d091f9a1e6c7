package main

import (
	"os"
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
		printed := newConsole(t, "environment:"+config).do("policy")
		if !strings.Contains(string(text), "\n"+printed+"```") {
			t.Errorf("the page of %s has another policy than the one that is printed for its config:\n%s", name, printed)
		}
	}
}
