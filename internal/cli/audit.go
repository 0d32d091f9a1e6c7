package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/say/answer"
)

func auditCommand(a *App) *cobra.Command {
	var output, file string
	cmd := help("audit", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error { return a.audit(cmd.Context(), args, output, file) },
	})
	outputFlag(cmd, &output, "text", "json")
	cmd.Flags().StringVar(&file, "file", "", "an audit file to read instead of the config's: one that was moved away, or another host's")
	return cmd
}

// audit shows the evidence of each key that was named, or of all: for programs as
// one document after the other.
func (a *App) audit(ctx context.Context, names []string, output, file string) error {
	write := answer.Evidence
	if output == "json" {
		write = func(w io.Writer, r audit.Report) error { return answer.JSON(w, r) }
	}
	h, keys, err := a.look(names, len(names) == 0)
	if err != nil {
		return err
	}
	attention, failed := false, false
	for i, k := range keys {
		f, err := h.Evidence(ctx, k, file)
		if err != nil {
			failed = true
			a.console.Tell(err)
			continue
		}
		if i > 0 && output == "text" {
			if err := a.console.Write("\n"); err != nil {
				return err
			}
		}
		if err := write(a.Stdout, audit.New(f)); err != nil {
			return console.Unwritten(err)
		}
		attention = attention || f.Attention()
	}
	if failed {
		return console.ErrTold
	}
	return console.Attention(attention)
}
