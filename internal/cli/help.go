package cli

import (
	"embed"
	"strings"

	"github.com/spf13/cobra"
)

// helps has a text for each command: a line on how it is called, a line on what it
// does, more about it, and after a line "Examples:" some calls.
//
//go:embed help/*.txt
var helps embed.FS

// help gives a command its text.
func help(name string, cmd *cobra.Command) *cobra.Command {
	text, err := helps.ReadFile("help/" + name + ".txt")
	if err != nil {
		panic(err) // a test calls each command
	}
	cmd.Use, cmd.Long, _ = strings.Cut(string(text), "\n")
	cmd.Short, cmd.Long, _ = strings.Cut(cmd.Long, "\n")
	cmd.Long, cmd.Example, _ = strings.Cut(cmd.Long, "\nExamples:\n")
	cmd.Long, cmd.Example = strings.Trim(cmd.Long, "\n"), strings.Trim(cmd.Example, "\n")
	return cmd
}
