package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every text belongs to a command, and every command has one.
func TestEveryCommandHasHelp(t *testing.T) {
	files, err := helps.ReadDir("help")
	if err != nil {
		t.Fatal(err)
	}
	root := (&App{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard}).Root()
	commands := append([]*cobra.Command{root}, root.Commands()...)
	if len(files) != len(commands) {
		t.Errorf("%d texts for %d commands", len(files), len(commands))
	}
	for _, c := range commands {
		if c.Short == "" || strings.Contains(c.Short+c.Long, "Examples:") || strings.HasSuffix(c.Long, "\n") || strings.HasPrefix(c.Long, "\n") {
			t.Errorf("%s: %q %q", c.Name(), c.Short, c.Long)
		}
		if (c.Name() == "now" || c.Name() == "adopt") && !strings.HasPrefix(c.Example, "  rotate "+c.Name()) {
			t.Errorf("%s: %q", c.Name(), c.Example)
		}
	}
}
