package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
)

// exitPage is docs/exit-codes.md: what each code means, and per command when it ends
// with 1 or 3.
func exitPage(t *testing.T) (meanings map[string]string, commands map[string][2]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	meanings, commands = map[string]string{}, map[string][2]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d) \| (.*?) \| .*\|$`).FindAllStringSubmatch(string(page), -1) {
		meanings[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z -]+)` \\|(.*)\\|(.*)\\|$").FindAllStringSubmatch(string(page), -1) {
		commands[m[1]] = [2]string{strings.TrimSpace(m[2]), strings.TrimSpace(m[3])}
	}
	return meanings, commands
}

// onExitPage fails if the page knows of no such end of a call.
func onExitPage(t *testing.T, code int, args []string) {
	t.Helper()
	_, commands := exitPage(t)
	row, known := commands[args[0]]
	for _, arg := range args[1:] {
		if special, ok := commands[args[0]+" "+arg]; ok {
			row = special
		}
	}
	switch {
	case !known:
		t.Errorf("docs/exit-codes.md has no row for %s", args[0])
	case code == cli.Failed && row[0] == "", code == cli.Attention && row[1] == "":
		t.Errorf("docs/exit-codes.md does not say when %s ends with %d", args[0], code)
	}
}

// The page has every command, and says of each code what the help and the manual say.
func TestExitCodesAreOnThePage(t *testing.T) {
	meanings, commands := exitPage(t)
	root := newConsole(t, "").app(nil, nil, nil).Root()
	for _, cmd := range root.Commands() {
		if _, ok := commands[cmd.Name()]; !ok {
			t.Errorf("no row for %s", cmd.Name())
		}
		if strict := cmd.Flags().Lookup("strict") != nil; strict != strings.Contains(commands[cmd.Name()][1], "--strict") {
			t.Errorf("%s: --strict is told of wrongly", cmd.Name())
		}
	}
	for code, words := range map[string]string{"0": "done", "1": "failed", "2": "config", "3": "done, but something needs"} {
		if !strings.Contains(meanings[code], words) || !strings.Contains(root.Long, code+" "+strings.Split(words, ",")[0]) && code != "2" {
			t.Errorf("%s: %q", code, meanings[code])
		}
	}
	if len(meanings) != 4 {
		t.Errorf("%d codes: %v", len(meanings), meanings)
	}
}
