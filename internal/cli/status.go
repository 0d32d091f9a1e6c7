package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
)

func statusCommand(a *App) *cobra.Command {
	var output string
	var full bool
	cmd := help("status", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), args, output, full) },
	})
	cmd.Flags().BoolVar(&full, "full", false, "show every key, however many there are")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or yaml")
	return cmd
}

func (a *App) status(ctx context.Context, names []string, output string, full bool) error {
	write, ok := map[string]func(io.Writer, status.Report) error{
		"text": func(w io.Writer, r status.Report) error { return say.Status(w, r, a.view(full || len(names) > 0)) },
		"json": func(w io.Writer, r status.Report) error { return answer.JSON(w, r) },
		"yaml": func(w io.Writer, r status.Report) error { return answer.YAML(w, r) },
	}[output]
	if !ok {
		return usage.New("-o: the output is text, json or yaml")
	}
	h, keys, err := a.look(names, len(names) == 0)
	if err != nil {
		return err
	}
	report := say.Report(h.Status(ctx, keys))
	if err := write(a.Stdout, report); err != nil {
		return console.Unwritten(err)
	}
	return console.Attention(report.Attention)
}

// view is how standard output shows a report.
func (a *App) view(full bool) say.View {
	v := say.View{Full: full}
	if a.IsTerminal(a.Stdout) {
		v.Width = a.Columns(a.Stdout)
		v.Colour = a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb" // no-color.org
	}
	return v
}
