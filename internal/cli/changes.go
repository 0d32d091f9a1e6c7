package cli

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
)

// changes are the flags of commands that change something.
type changes struct {
	yes, dryRun bool
	log         string
}

// flags adds those of a command, which asks before it does something if asks.
func (c *changes) flags(cmd *cobra.Command, asks bool) {
	f := cmd.Flags()
	f.BoolVar(&c.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.StringVar(&c.log, "log-format", console.LogNone, "text or json: also log what is done to standard error, with one line \"audit\" for every change, as run does")
	if asks {
		f.BoolVar(&c.yes, "yes", false, "do not ask")
	}
}
