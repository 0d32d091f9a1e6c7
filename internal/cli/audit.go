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
	var verify bool
	cmd := help("audit", &cobra.Command{
		Args: func(cmd *cobra.Command, args []string) error {
			if verify {
				return counted(cobra.NoArgs)(cmd, args)
			}
			return counted(cobra.ExactArgs(1))(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify {
				return a.verify(output, file)
			}
			return a.audit(cmd.Context(), args, output, file)
		},
	})
	cmd.Flags().BoolVar(&verify, "verify", false, "follow the chains of lines in the audit file, of every key, and tell what was changed or is missing")
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

// verify follows the chains of the config's audit file, or of a named one.
func (a *App) verify(output, file string) error {
	write, ok := map[string]func(io.Writer, audit.Verified) error{
		"text": func(w io.Writer, v audit.Verified) error { return v.Text(w) },
		"json": func(w io.Writer, v audit.Verified) error { return answer.JSON(w, v) },
	}[output]
	if !ok {
		return usage.New("-o: the output is text or json")
	}
	if file == "" {
		conf, _, err := a.load()
		if err != nil {
			return err
		}
		if file = conf.AuditFile; file == "" {
			return usage.New("the config names no audit file, so there is nothing to verify", "audit: {file: …} in the config names one, or --file does here")
		}
	}
	v, err := audit.Verify(file)
	if err != nil {
		return err
	}
	if err := write(a.Stdout, v); err != nil {
		return console.Unwritten(err)
	}
	return console.Attention(len(v.Findings) > 0)
}
