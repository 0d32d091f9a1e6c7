package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/usage"
)

// counted says in rotate's words what a command wants when check finds too few
// or too many arguments. It repeats none of them: one may be a secret.
func counted(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		n := fmt.Sprintf("%d arguments", len(args))
		switch len(args) {
		case 0:
			n = "no argument"
		case 1:
			n = "1 argument"
		}
		return usage.New(fmt.Sprintf("%s was called with %s", cmd.CommandPath(), n), "call it as: "+cmd.UseLine())
	}
}
