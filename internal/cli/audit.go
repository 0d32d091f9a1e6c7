package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

func auditCommand(a *App) *cobra.Command {
	var output, file string
	cmd := help("audit", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.audit(cmd.Context(), args, output, file) },
	})
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&file, "file", "", "an audit file to read instead of the config's: one that was moved away, or another host's")
	return cmd
}

func (a *App) audit(ctx context.Context, names []string, output, file string) error {
	write, ok := map[string]func(io.Writer, audit.Report) error{
		"text": func(w io.Writer, r audit.Report) error { return r.Text(w) },
		"json": func(w io.Writer, r audit.Report) error { return answer.JSON(w, r) },
	}[output]
	if !ok {
		return usage.New("-o: the output is text or json")
	}
	h, keys, err := a.look(names, false)
	if err != nil {
		return err
	}
	f, err := h.Evidence(ctx, keys[0], file)
	if err != nil {
		return err
	}
	if err := write(a.Stdout, audit.New(f)); err != nil {
		return console.Unwritten(err)
	}
	return console.Attention(f.Attention())
}
