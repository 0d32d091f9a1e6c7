package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

func auditCommand(a *App) *cobra.Command {
	var output, file string
	var verify bool
	cmd := help("audit", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify {
				return a.verify(args, output, file)
			}
			return a.audit(cmd.Context(), args, output, file)
		},
	})
	cmd.Flags().BoolVar(&verify, "verify", false, "follow the chains of lines in the audit file, of every key, and tell what was changed or is missing")
	a.outputFlag(cmd, &output, "text", "json")
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
			if a.json {
				doc := &form.Failed{Head: form.Head{Schema: form.Failure}, Name: k.Name}
				doc.End(a.Now(), Failed, answer.Problem(err))
				if err := answer.JSON(a.Stdout, doc); err != nil {
					return console.Unwritten(err)
				}
			}
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

// verify follows the chains of the config's audit file, or of a named one.
func (a *App) verify(names []string, output, file string) error {
	write := answer.Verified
	if output == "json" {
		write = func(w io.Writer, v audit.Verified) error { return answer.JSON(w, v) }
	}
	if len(names) > 0 {
		return usage.New("--verify follows the lines of every key, and a key was named", "call it as: rotate audit --verify")
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
