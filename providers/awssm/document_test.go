package awssm

import (
	"os"
	"strings"
	"testing"
)

// docs/conformance.md has a line for each deviation that the run allows, with
// what AWS documents instead, and no other.
func TestConformanceDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/conformance.md")
	must(t, err)
	for _, server := range servers {
		_, part, found := strings.Cut(string(text), "\n## "+server.name+"\n")
		if !found {
			t.Errorf("there is no part about %s", server.name)
		}
		part, _, _ = strings.Cut(part, "\n## ")
		listed := map[string]bool{}
		for line := range strings.Lines(part) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 3 || strings.Trim(cells[0], " -") == "" || strings.TrimSpace(cells[0]) == "case" {
				continue
			}
			name, does, documented := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
			switch why, allowed := server.deviations[name]; {
			case !allowed:
				t.Errorf("%s: %q is listed, and is no deviation", server.name, name)
			case does != why || documented == "":
				t.Errorf("%s: %q: the run says %q", server.name, name, why)
			}
			listed[name] = true
		}
		for name := range server.deviations {
			if !listed[name] {
				t.Errorf("%s: %q is not listed", server.name, name)
			}
		}
	}
}
